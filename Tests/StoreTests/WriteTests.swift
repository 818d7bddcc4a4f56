import Glibc
import Store
import Testing

@Suite struct WriteTests {
    @Test func revisionsGrowAndStandInTheBytes() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        let first = try await store.put(pod("a/1"), body(), expecting: .absent)
        let second = try await store.put(pod("a/1"), body("y"), expecting: .revision(first.revision))
        #expect(first.revision == 2)
        #expect(second.revision == 3)
        #expect(second.createRevision == 2)
        #expect(store.get(pod("a/1"))?.text == text(3, "y"))
        #expect(store.revision == 3)
        let last = try await store.delete(pod("a/1"), expecting: .any)
        #expect(last.text == text(4, "y"))
        #expect(store.get(pod("a/1")) == nil)
        #expect(try await store.put(pod("a/1"), body(), expecting: .absent).createRevision == 5)
        await store.close()
    }

    @Test func expectationsThatDoNotHoldAreRefused() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        let record = try await store.put(pod("a"), body(), expecting: .any)
        #expect(await failure { _ = try await store.put(pod("a"), body(), expecting: .absent) } == "exists")
        #expect(await failure { _ = try await store.put(pod("a"), body(), expecting: .revision(record.revision + 1)) } == "conflict")
        #expect(await failure { _ = try await store.put(pod("b"), body(), expecting: .revision(1)) } == "notFound")
        #expect(await failure { _ = try await store.delete(pod("b"), expecting: .any) } == "notFound")
        #expect(await failure { _ = try await store.delete(pod("a"), expecting: .revision(1)) } == "conflict")
        #expect(store.revision == record.revision)
        await store.close()
    }

    @Test func writersThatWaitShareATransaction() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        try await withThrowingTaskGroup { group in
            for writer in 0..<64 {
                group.addTask {
                    var record = try await store.put(pod("a/\(writer)"), body(), expecting: .absent)
                    for _ in 0..<20 { record = try await store.put(pod("a/\(writer)"), body(), expecting: .revision(record.revision)) }
                }
            }
            try await group.waitForAll()
        }
        #expect(store.statistics.writes == 64 * 21)
        #expect(store.statistics.transactions < 64 * 21 / 4)
        #expect(store.collections() == [pods: 64])
        await store.close()
    }

    @Test func onlyOneOfManyWritersWithTheSameExpectationWins() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        let wins = await withTaskGroup { group in
            for _ in 0..<32 { group.addTask { await failure { _ = try await store.put(pod("a"), body(), expecting: .absent) } } }
            return await group.reduce(into: 0) { $0 += $1.isEmpty ? 1 : 0 }
        }
        #expect(wins == 1)
        await store.close()
    }

    @Test func writesOfOneKeyGoOneAfterAnother() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        let first = try await store.put(pod("a"), body(), expecting: .absent)
        let results = await withTaskGroup { group in
            for count in 0..<64 {
                group.addTask {
                    await failure {
                        // Those that take what comes get through, and of those that build on the first state one at most.
                        _ = try await store.put(pod("a"), body(), expecting: count % 2 == 0 ? .any : .revision(first.revision))
                    }
                }
            }
            return await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        let through = results["", default: 0]
        #expect((32...33).contains(through) && results == ["": through, "conflict": 64 - through])
        #expect(store.revision == first.revision + UInt64(through))
        await store.close()
    }

    @Test func aWriteThatWaitsForAnotherIsToldWhatThatOneMade() async throws {
        let scratch = Scratch()
        var options = Options()
        options.groupDelay = .milliseconds(100)
        let store = try scratch.open(options)
        let creates = (0..<2).map { _ in Task { try await store.put(pod("a"), body(), expecting: .absent) } }
        var winners: [Record] = []
        var found: Record?
        for create in creates {
            do {
                winners.append(try await create.value)
            } catch let error as StoreError {
                if case .exists(let record) = error.code { found = record }
            }
        }
        #expect(winners.count == 1 && found === winners.first)
        #expect(store.get(pod("a")) === winners.first)
        await store.close()
    }

    @Test func aFailedTransactionFailsItsWritersAndChangesNothing() async throws {
        let scratch = Scratch()
        var options = Options()
        options.maximumSize = 256 << 10
        let store = try scratch.open(options)
        let kept = try await store.put(pod("kept"), body(), expecting: .absent)
        let big = body(String(repeating: "x", count: 512 << 10))
        do {
            _ = try await store.put(pod("kept"), big, expecting: .any)
            Issue.record("a write larger than the store was accepted")
        } catch {
            #expect(error.kind == "engine")
            #expect(error.message.contains(scratch.path) && error.message.contains("full"))
        }
        #expect(store.get(pod("kept")) === kept)
        #expect(store.revision == kept.revision)
        #expect(store.statistics.failures == 1)
        // The failed write's revision is not used again, and what follows works.
        let next = try await store.put(pod("kept"), body("y"), expecting: .revision(kept.revision))
        #expect(next.revision == kept.revision + 2)
        await store.close()
        let again = try scratch.open()
        #expect(again.get(pod("kept"))?.text == text(next.revision, "y"))
        await again.close()
    }

    @Test func theLogIsMovedIntoTheDatabase() async throws {
        let scratch = Scratch()
        var options = Options()
        options.checkpointPages = 50
        let store = try scratch.open(options)
        try await withThrowingTaskGroup { group in
            for writer in 0..<16 {
                group.addTask {
                    for _ in 0..<100 {
                        _ = try await store.put(pod("\(writer)"), body(String(repeating: "x", count: 8_000)), expecting: .any)
                    }
                }
            }
            try await group.waitForAll()
        }
        // All that was written is more than ten megabytes.
        var log = stat()
        #expect(stat(scratch.path + "-wal", &log) == 0)
        #expect(log.st_size < 2 << 20)
        await store.close()
    }

    @Test func memosAreMadeOnceAndShared() async throws {
        final class Decoded: Sendable {}
        final class Encoded: Sendable {}
        let scratch = Scratch()
        let store = try scratch.open()
        var given = body()
        let decoded = Decoded()
        given.memo = decoded
        #expect(try await store.put(pod("a"), given, expecting: .any).memo { _ in Decoded() } === decoded)
        let record = try await store.put(pod("a"), body(), expecting: .any)
        let made = record.memo { _ in Decoded() }
        #expect(made !== decoded)
        #expect(store.get(pod("a"))?.memo { _ in Decoded() } === made)
        // One form does not drive out another.
        let encoded = record.memo { _ in Encoded() }
        #expect(record.memo { _ in Decoded() } === made && record.memo { _ in Encoded() } === encoded)
        await store.close()
    }
}
