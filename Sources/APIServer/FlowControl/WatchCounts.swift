import APIModel
import Synchronization

/// How many watch what, as far as a change is told to all of them. Safe from any thread.
final class WatchCounts: Sendable {
    private struct Place: Hashable {
        var group: String
        var resource: String
        var namespace = ""
        var name = ""
    }

    private let counts = Mutex<[Place: Int]>([:])

    /// One more, until what this returns is let go. `nil` for a watch of the pods of one node: it is told of few changes.
    func began(_ info: RequestInfo) -> Held? {
        guard info.resource != "pods" || (info.fieldSelector.required("spec.nodeName") ?? "").isEmpty else { return nil }
        let place = Place(group: info.group, resource: info.resource, namespace: info.namespace, name: info.name)
        counts.withLock { $0[place, default: 0] += 1 }
        return Held { [weak self] in
            self?.counts.withLock { counts in
                let count = counts[place, default: 1] - 1
                counts[place] = count > 0 ? count : nil
            }
        }
    }

    /// Who will be told of the change that a write is.
    func interested(in info: RequestInfo) -> Int {
        counts.withLock { counts in
            guard !counts.isEmpty else { return 0 }
            var place = Place(group: info.group, resource: info.resource)
            var count = counts[place] ?? 0
            if !info.namespace.isEmpty {
                place.namespace = info.namespace
                count += counts[place] ?? 0
            }
            if !info.name.isEmpty {
                place.name = info.name
                count += counts[place] ?? 0
            }
            return count
        }
    }
}
