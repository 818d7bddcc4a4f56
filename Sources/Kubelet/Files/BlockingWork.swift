import PluginHost

/// Threads for what blocks: files, mounts, walks through directories. A file system that hangs holds one of them for each pod that uses it
/// and nobody else.
final class BlockingWork: Sendable {
    /// Each pod does one such thing at a time; there are more threads than pods on a node.
    private let threads = ThreadPool(name: "kubelet-files", limit: 512)

    /// What was begun is better finished than left to itself, as long as it goes on.
    private static let patience = Duration.seconds(2)

    /// Runs `body` on a thread that may block. A cancelled task waits for it a moment longer, and leaves it then: it goes on to its own
    /// end, and nobody hears of it.
    func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        let threads = threads
        return try await abandonable(patience: Self.patience) { try await threads.run { Result { try body() } }.get() }
    }
}
