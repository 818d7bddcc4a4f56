import APIModel
import Synchronization

/// What the container runtime calls itself and what it can, as it last said: the runtime can be swapped under the kubelet.
final class RuntimeIdentity: Sendable, CustomStringConvertible {
    private let last = Mutex((name: "", version: ""))
    private let known = Mutex(RuntimeFeatures())

    /// Asks the runtime.
    func read(_ cri: CRI) async throws(RuntimeFailure) {
        let answer = try await cri.version()
        last.withLock { $0 = answer }
    }

    /// Takes in what it said of its state.
    func note(_ status: Value) { known.withLock { $0 = RuntimeFeatures(status) } }

    /// `containerd`
    var name: String { last.withLock { $0.name } }
    var features: RuntimeFeatures { known.withLock { $0 } }
    /// `containerd://1.6.20`
    var description: String { last.withLock { "\($0.name)://\($0.version)" } }
}
