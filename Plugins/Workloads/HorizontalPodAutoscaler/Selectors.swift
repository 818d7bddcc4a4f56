internal import APIModel
internal import Synchronization

/// Which Pods each autoscaler was seen to be for.
final class Selectors: Sendable {
    /// By namespace and name.
    private let known = Mutex<[String: [String: LabelSelector]]>([:])

    /// Notes what one autoscaler selects.
    ///
    /// - Parameter labels: those of the Pods that it found, each set once.
    /// - Returns: the names of all autoscalers of the namespace that select one of the Pods, in order.
    func note(_ selector: LabelSelector, of name: String, in namespace: String, choosing labels: Set<[String: String]>) -> [String] {
        let all = known.withLock { known in
            known[namespace, default: [:]][name] = selector
            return known[namespace] ?? [:]
        }
        return all.filter { other in labels.contains(where: other.value.matches) }.keys.sorted()
    }

    func forget(_ name: String, in namespace: String) { known.withLock { $0[namespace]?[name] = nil } }
}
