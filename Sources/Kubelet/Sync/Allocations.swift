import APIModel
import Synchronization

/// What each pod of this node has been given of its CPU and memory, so that two that ask at once do not both count on the same rest.
final class Allocations: Sendable {
    struct Amounts: Equatable, Sendable {
        var milliCPU: Whole
        var memory: Whole

        init(milliCPU: Whole, memory: Whole) { (self.milliCPU, self.memory) = (milliCPU, memory) }
        init(_ resources: PodResources) { self.init(milliCPU: resources.cpuRequest, memory: resources.memoryRequest) }
    }

    /// What there is not enough of. The numbers are in the resource's own unit: thousandths of a CPU, bytes.
    struct Shortage: Equatable, Sendable {
        var resource: String
        var requested: Whole
        var used: Whole
        var capacity: Whole

        /// Also an empty node would not do.
        var isHopeless: Bool { requested > capacity }
        /// Upstream: `InsufficientResourceError`.
        var description: String {
            "Node didn't have enough resource: \(resource), requested: \(requested), used: \(used), capacity: \(capacity)"
        }
    }

    private let capacity: Amounts
    private let pods = Mutex<[String: Amounts]>([:])

    init(capacity: Amounts) { self.capacity = capacity }

    /// Gives a pod that much, in place of what it had, unless that is more than there is: then it keeps what it had.
    func take(_ wanted: Amounts, for uid: String) -> Shortage? {
        pods.withLock { pods in
            let kinds: [(String, KeyPath<Amounts, Whole>)] = [("cpu", \.milliCPU), ("memory", \.memory)]
            for (name, kind) in kinds {
                let used = pods.filter { $0.key != uid }.values.reduce(Whole(0)) { $0 + $1[keyPath: kind] }
                // What does not grow is not refused for what others have.
                let request = wanted[keyPath: kind]
                guard request > 0, request > pods[uid]?[keyPath: kind] ?? 0 else { continue }
                if request > capacity[keyPath: kind] || used + request > capacity[keyPath: kind] {
                    return Shortage(resource: name, requested: request, used: used, capacity: capacity[keyPath: kind])
                }
            }
            pods[uid] = wanted
            return nil
        }
    }

    /// Notes what a pod has already, whether there is enough of it or not.
    func note(_ amounts: Amounts, for uid: String) { pods.withLock { $0[uid] = amounts } }

    func release(_ uid: String) { _ = pods.withLock { $0.removeValue(forKey: uid) } }
}
