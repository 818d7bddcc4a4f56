import Testing

@testable import Store

@Suite struct WatchTests {
    @Test func aWatchGoesOnFromItsRevision() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        let first = try await store.put(pod("a/1"), body(), expecting: .absent)
        let second = try await store.put(pod("a/1"), body("y"), expecting: .any)
        _ = try await store.put(pod("b/1"), body(), expecting: .any)
        let last = try await store.delete(pod("a/1"), expecting: .any)

        let watch = try store.watch(pods, after: first.revision)
        let events = try #require(try await watch.next())
        #expect(events.map(\.kind) == [.modified, .added, .deleted])
        #expect(events.map(\.revision) == [3, 4, 5])
        #expect(events[0].previous === first && events[0].record === second)
        #expect(events[2].previous === second && events[2].record === last)
        #expect(watch.progress == 5)

        let inNamespace = try store.watch(pods, namespace: "b", after: first.revision)
        #expect(try await inNamespace.next()?.map(\.record.key.name) == ["b/1"])
        #expect(inNamespace.progress == 5)
        await store.close()
        #expect(try await watch.next() == nil)
    }

    @Test func aWaitingWatchIsWokenByChangesCancelNudgeAndClose() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        let watch = try store.watch(pods, namespace: "a", after: store.revision)
        async let batch = watch.next()
        _ = try await store.put(pod("b/1"), body(), expecting: .any)
        let wanted = try await store.put(pod("a/1"), body(), expecting: .any)
        #expect(try await batch?.map(\.revision) == [wanted.revision])

        watch.nudge()
        #expect(try await watch.next()?.isEmpty == true)
        let other = try await store.put(pod("b/1"), body(), expecting: .any)
        #expect(watch.progress == other.revision)

        async let end = watch.next()
        watch.cancel()
        #expect(try await end == nil)

        let second = try store.watch(pods, after: store.revision)
        let cancelled = Task { try await second.next() }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { _ = try await cancelled.value }

        let third = try store.watch("/none", after: store.revision)
        async let closed = third.next()
        await store.close()
        #expect(try await closed == nil)
    }

    @Test func historyIsBoundedAndWatchesThatFallBehindAreTold() async throws {
        let scratch = Scratch()
        var options = Options()
        options.historyLimit = 100
        let store = try scratch.open(options)
        let start = store.revision
        let slow = try store.watch(pods, after: start)
        let elsewhere = try store.watch("/nodes", after: start)
        for _ in 0..<300 { _ = try await store.put(pod("a"), body(), expecting: .any) }
        #expect(await failure { _ = try await slow.next() } == "compacted")
        #expect(await failure { _ = try store.watch(pods, after: start + 199) } == "compacted")
        #expect(try await store.watch(pods, after: start + 200).next()?.count == 100)
        #expect(await failure { _ = try store.list(pods, at: start + 199) } == "compacted")
        #expect(try store.list(pods, at: start + 200).records.first?.revision == start + 200)
        // A quiet collection keeps its watches, however much happens in others.
        _ = try await store.put(RecordKey(collection: "/nodes", name: "n"), body(), expecting: .any)
        #expect(try await elsewhere.next()?.count == 1)
        await store.close()
    }

    @Test func aWatchOfAQuietNamespaceDoesNotFallBehind() async throws {
        let scratch = Scratch()
        var options = Options()
        options.historyLimit = 10
        let store = try scratch.open(options)
        let watch = try store.watch(pods, namespace: "quiet", after: store.revision)
        let next = Task { try await watch.next() }
        // Once it sleeps, events of others move it along.
        while !watch.isSleeping { await Task.yield() }
        for _ in 0..<100 { _ = try await store.put(pod("busy/1"), body(), expecting: .any) }
        let wanted = try await store.put(pod("quiet/1"), body(), expecting: .any)
        #expect(try await next.value?.map(\.revision) == [wanted.revision])
        await store.close()
    }

    @Test func everyWatchSeesEveryChangeInOrder() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        let start = store.revision
        let writes: UInt64 = 2_000
        try await withThrowingTaskGroup { group in
            for _ in 0..<20 {
                group.addTask {
                    let watch = try store.watch(pods, after: start)
                    var revision = start
                    while revision < start + writes {
                        for event in try #require(try await watch.next()) {
                            #expect(event.revision == revision + 1)
                            revision = event.revision
                        }
                    }
                }
            }
            for writer in 0..<20 {
                group.addTask { for _ in 0..<100 { _ = try await store.put(pod("\(writer)"), body(), expecting: .any) } }
            }
            try await group.waitForAll()
        }
        await store.close()
    }
}
