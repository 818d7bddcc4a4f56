import Logging
import Store

/// The store's hot paths, with objects of two kilobytes, as pods are.
struct StoreBenchmark {
    let path: String
    private static let objects = 10_000
    private static let watchers = 1_000

    private let body: Body = {
        let start = #"{"metadata":{"resourceVersion":""#
        return Body(
            bytes: Array((start + #""},"text":"\#(String(repeating: "x", count: 2_000))"}"#).utf8), resourceVersionOffset: start.utf8.count)
    }()

    func run() async throws {
        var store = try open()
        try await Benchmarks.rate("store: puts, 1 writer", 1_000) {
            for count in 0..<1_000 { _ = try await store.put(key(count), body, expecting: .any) }
        }
        try await puts(store, writers: 32)
        try await puts(store, writers: 512)
        await store.close()

        try await Benchmarks.rate("store: open, objects", Self.objects) { store = try open() }
        await Benchmarks.rate("store: gets", 1_000_000) { for count in 0..<1_000_000 { _ = store.get(key(count % Self.objects)) } }
        try await Benchmarks.rate("store: list of all, objects", 100 * Self.objects) { for _ in 0..<100 { _ = try store.list("/pods") } }
        try await Benchmarks.rate("store: pages of 500, objects", 20 * Self.objects) {
            for _ in 0..<20 {
                var after: String?
                repeat {
                    let page = try store.list("/pods", after: after, limit: 500)
                    after = page.more ? page.records.last?.key.name : nil
                } while after != nil
            }
        }
        try await fanOut(store)
        await store.close()
    }

    private func open() throws -> Store { try Store(path: path, log: Logger(label: "benchmark")) }

    private func key(_ count: Int) -> RecordKey { RecordKey(collection: "/pods", name: "namespace-\(count % 10)/pod-\(count)") }

    private func puts(_ store: Store, writers: Int) async throws {
        let before = store.statistics
        try await Benchmarks.rate("store: puts, \(writers) writers", Self.objects) {
            try await withThrowingTaskGroup { group in
                for writer in 0..<writers {
                    group.addTask {
                        for count in stride(from: writer, to: Self.objects, by: writers) {
                            _ = try await store.put(key(count), body, expecting: .any)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        print("    in \(store.statistics.transactions - before.transactions) transactions")
    }

    /// Every watcher sees every event.
    private func fanOut(_ store: Store) async throws {
        let events = 1_000
        let start = store.revision
        try await Benchmarks.rate("store: watch, events to \(Self.watchers) watchers", events * Self.watchers) {
            try await withThrowingTaskGroup { group in
                for _ in 0..<Self.watchers {
                    let watch = try store.watch("/pods", after: start)
                    group.addTask {
                        var seen = 0
                        while seen < events, let batch = try await watch.next() { seen += batch.count }
                    }
                }
                for writer in 0..<32 {
                    group.addTask {
                        for count in stride(from: writer, to: events, by: 32) { _ = try await store.put(key(count), body, expecting: .any) }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
