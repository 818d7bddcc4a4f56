import Synchronization
import Testing

@testable import Store

/// What a store promises when it is not the only one that writes.
@Suite(.timeLimit(.minutes(1))) struct EngineTests {
    private let log = SharedLog()

    private func store() throws -> Store { try Store(engine: log.engine(), log: quiet) }

    @Test func everyStoreSeesWhatOthersWrite() async throws {
        let (here, there) = (try store(), try store())
        let watch = try there.watch(pods, after: there.revision)
        let made = try await here.put(pod("a"), body("1"), expecting: .absent)
        let changed = try await here.put(pod("a"), body("2"), expecting: .revision(made.revision))
        let gone = try await here.delete(pod("a"), expecting: .any)
        var events: [Event] = []
        while events.count < 3 { events += try #require(try await watch.next()) }
        #expect(events.map(\.kind) == [.added, .modified, .deleted])
        #expect(events.map(\.record.text) == [made, changed, gone].map(\.text))
        #expect(there.get(pod("a")) == nil && there.revision == gone.revision)
        // A store that comes later finds all of it.
        _ = try await there.put(pod("b"), body(), expecting: .absent)
        let late = try store()
        #expect(try late.list(pods).records.map(\.key.name) == ["b"])
        #expect(late.revision == log.revision)
        for store in [here, there, late] { await store.close() }
    }

    @Test func aWriteIsAnsweredWhenItCanBeRead() async throws {
        let store = try store()
        log.hold()
        let isAnswered = Mutex(false)
        let put = Task {
            let record = try await store.put(pod("a"), body(), expecting: .absent)
            isAnswered.withLock { $0 = true }
            return record
        }
        while log.revision < 2 { await Task.yield() }
        // Another write comes and goes meanwhile; it waits for its own.
        async let other = store.put(pod("b"), body(), expecting: .absent)
        while log.revision < 3 { await Task.yield() }
        #expect(isAnswered.withLock { !$0 } && store.get(pod("a")) == nil)
        log.deliver()
        let record = try await put.value
        #expect(store.get(pod("a"))?.text == record.text)
        let second = try await other
        #expect(second.revision == 3 && store.revision == 3)
        await store.close()
    }

    @Test func aWriterThatLostFindsWhatItLostAgainst() async throws {
        let store = try store()
        let record = try await store.put(pod("a"), body(), expecting: .absent)
        log.hold()
        log.commit([
            Mutation(key: pod("a"), expectation: .any, action: .put(body("foreign"))),
            Mutation(key: pod("b"), expectation: .any, action: .put(body())),
        ])
        let update = Task { try await store.put(pod("a"), body(), expecting: .revision(record.revision)) }
        let create = Task { try await store.put(pod("b"), body(), expecting: .absent) }
        log.deliver()
        guard case .conflict(let current?) = await code(of: update) else {
            Issue.record("no conflict")
            return
        }
        #expect(current.text == text(3, "foreign"))
        guard case .exists(let found) = await code(of: create) else {
            Issue.record("it did not exist")
            return
        }
        #expect(found.revision == 3)
        // Tried again at once, it goes through.
        _ = try await store.put(pod("a"), body(), expecting: .revision(current.revision))
        await store.close()
    }

    /// What is committed together is seen together, and no reader loses a part of it.
    @Test func changesMayShareARevision() async throws {
        let store = try store()
        let watch = try store.watch(pods, after: store.revision)
        let names = (0..<1_200).map { "\($0 + 1_000)" }
        log.commit(names.map { Mutation(key: pod($0), expectation: .absent, action: .put(body())) })
        var seen: [String] = []
        while seen.count < names.count { seen += try #require(try await watch.next()).map(\.record.key.name) }
        #expect(seen == names && watch.progress == 2)
        log.commit(names.map { Mutation(key: pod($0), expectation: .any, action: .delete(final: nil)) })
        while !(try store.list(pods).records.isEmpty) { await Task.yield() }
        #expect(try store.list(pods, at: 2).records.map(\.key.name) == names)
        #expect(try await store.watch(pods, after: 2).next()?.first?.kind == .deleted)
        await store.close()
    }

    /// Counters that many writers of two stores count up by compare-and-swap lose nothing, and both stores tell the same story.
    @Test func foreignAndOwnWritesRace() async throws {
        let stores = [try store(), try store()]
        let watches = try stores.map { try $0.watch(pods, after: 1) }
        let counters = 3
        let writers = 8
        let steps = 25
        try await withThrowingTaskGroup { group in
            for writer in 0..<writers {
                let store = stores[writer % 2]
                group.addTask { for step in 0..<steps { try await countUp(store, pod("\((writer + step) % counters)")) } }
            }
            try await group.waitForAll()
        }
        var stories: [[String]] = []
        for watch in watches {
            var story: [String] = []
            while story.count < writers * steps {
                story += try #require(try await watch.next()).map { "\($0.record.key.name) \($0.record.text)" }
            }
            stories.append(story)
        }
        #expect(stories[0] == stories[1])
        let counts = try stores[0].list(pods).records.map(\.count)
        #expect(counts.count == counters && counts.reduce(0, +) == writers * steps)
        for store in stores { await store.close() }
    }

    private func countUp(_ store: Store, _ key: RecordKey) async throws {
        while true {
            let record = store.get(key)
            do throws(StoreError) {
                let next = body("\((record?.count ?? 0) + 1)")
                _ = try await store.put(key, next, expecting: record.map { .revision($0.revision) } ?? .absent)
                return
            } catch {
                guard ["conflict", "exists"].contains(error.kind) else { throw error }
            }
        }
    }

    @Test func aStoreThatClosesAnswersWhatIsOnItsWay() async throws {
        let store = try store()
        log.hold()
        async let put = store.put(pod("a"), body(), expecting: .absent)
        while log.revision < 2 { await Task.yield() }
        async let end: Void = store.close()
        log.deliver()
        #expect(try await put.revision == 2)
        await end
        #expect(await failure { _ = try await store.put(pod("b"), body(), expecting: .any) } == "closed")
    }
}

extension Record {
    /// The number that is the text.
    fileprivate var count: Int { Int(text.split(separator: "\"").last { Int($0) != nil } ?? "") ?? -1 }
}

private func code(of write: Task<Record, any Error>) async -> StoreError.Code? {
    do {
        _ = try await write.value
        return nil
    } catch {
        return (error as? StoreError)?.code
    }
}
