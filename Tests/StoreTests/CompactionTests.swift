import Synchronization
import Testing

@testable import Store

@Suite struct CompactionTests {
    /// Time that passes when a test says so.
    private final class Time: Sendable {
        private let seconds = Mutex(0)
        var now: Duration { .seconds(seconds.withLock(\.self)) }
        func pass(_ span: Int) { seconds.withLock { $0 += span } }
    }

    @Test func theNewestOfOneBeatIsTheOldestFromTheNextOn() {
        var compaction = Compaction(every: .seconds(300), from: 10, now: .zero)
        let rows: [(now: Int, newest: UInt64, oldest: UInt64)] = [
            (299, 20, 10), (300, 30, 10), (599, 40, 10), (600, 50, 30), (601, 60, 30), (5_000, 70, 50), (5_300, 70, 70), (5_600, 70, 70),
        ]
        for (now, newest, oldest) in rows {
            compaction.advance(now: .seconds(now), newest: newest)
            #expect(compaction.revision == oldest, "at \(now)")
        }
        var never = Compaction(every: .zero, from: 10, now: .zero)
        for now in [0, 1, 100_000] { never.advance(now: .seconds(now), newest: 99) }
        #expect(never.revision == 10)
    }

    @Test func whatIsOldIsGivenUpInEveryCollectionAndWatchesThatKeepUpAreWhole() async throws {
        let time = Time()
        var options = Options()
        options.now = { time.now }
        let scratch = Scratch()
        let store = try scratch.open(options)
        let start = store.revision
        let watch = try store.watch(pods, after: start)
        let old = try await store.put(pod("a"), body(), expecting: .any).revision
        let waiting = try store.watch("/nodes", after: old)
        let asleep = Task { try await waiting.next() }
        while !waiting.isSleeping { await Task.yield() }

        // Two beats, each taken by whoever comes first.
        time.pass(300)
        let young = try await store.put(RecordKey(collection: "/maps", name: "m"), body(), expecting: .any).revision
        #expect(try store.list(pods, at: old).records.map(\.revision) == [old])
        time.pass(300)
        // Nothing has happened to pods since: what is refused is the state of the whole store.
        #expect(await failure { _ = try store.list(pods, at: old) } == "compacted")
        #expect(await failure { _ = try store.list("/none", at: old) } == "compacted")
        #expect(try store.list(pods, at: young).records.map(\.revision) == [old])

        // A watch that has read what there was goes on; from before a change that is given up none can start.
        #expect(try await watch.next()?.map(\.revision) == [old])
        let new = try await store.put(pod("a"), body(), expecting: .any).revision
        #expect(try await watch.next()?.map(\.revision) == [new])
        #expect(try await store.watch(pods, after: old).next()?.map(\.revision) == [new])
        #expect(await failure { _ = try store.watch(pods, after: start) } == "compacted")
        let node = try await store.put(RecordKey(collection: "/nodes", name: "n"), body(), expecting: .any).revision
        #expect(try await asleep.value?.map(\.revision) == [node])
        await store.close()
    }

    @Test func withoutCompactionOnlyTheirNumberEndsThem() async throws {
        let time = Time()
        var options = Options()
        options.now = { time.now }
        options.compactionInterval = .zero
        let scratch = Scratch()
        let store = try scratch.open(options)
        let old = try await store.put(pod("a"), body(), expecting: .any).revision
        for _ in 0..<3 {
            time.pass(1_000_000)
            _ = try await store.put(pod("b"), body(), expecting: .any)
        }
        #expect(try store.list(pods, at: old).records.map(\.key.name) == ["a"])
        await store.close()
    }
}
