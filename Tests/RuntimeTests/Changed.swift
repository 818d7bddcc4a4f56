import Synchronization

/// Collects what a runtime tells of changes and lets a test wait for one.
final class Changed: Sendable {
    private let (stream, feed) = AsyncStream<(sandbox: String, container: String)>.makeStream()

    func note(_ sandbox: String, _ container: String) { feed.yield((sandbox, container)) }

    /// Whether the id is told of within five seconds.
    func tells(_ id: String) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [stream] in
                for await change in stream where change.sandbox == id || change.container == id { return true }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(5))
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }
}
