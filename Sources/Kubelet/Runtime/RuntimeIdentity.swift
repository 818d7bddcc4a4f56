import Synchronization

/// What the container runtime calls itself, as it last said: the runtime can be swapped under the kubelet.
final class RuntimeIdentity: Sendable, CustomStringConvertible {
    private let last = Mutex((name: "", version: ""))

    /// Asks the runtime.
    func read(_ cri: CRI) async throws(RuntimeFailure) {
        let answer = try await cri.version()
        last.withLock { $0 = answer }
    }

    /// `containerd`
    var name: String { last.withLock { $0.name } }
    /// `containerd://1.6.20`
    var description: String { last.withLock { "\($0.name)://\($0.version)" } }
}
