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
    private let state = Mutex(State())

    private struct State {
        var pods: [String: Amounts] = [:]
        /// Who was refused what there would be enough of without others.
        var waiting: [String: Wakeup] = [:]
    }

    init(capacity: Amounts) { self.capacity = capacity }

    /// Gives a pod that much, in place of what it had, unless that is more than there is: then it keeps what it had, and `waiter` is set
    /// when another has less.
    func take(_ wanted: Amounts, for uid: String, waiter: Wakeup? = nil) -> Shortage? {
        let (shortage, woken) = state.withLock { state -> (Shortage?, [Wakeup]) in
            let before = state.pods[uid]
            let kinds: [(String, KeyPath<Amounts, Whole>)] = [("cpu", \.milliCPU), ("memory", \.memory)]
            for (name, kind) in kinds {
                let used = state.pods.filter { $0.key != uid }.values.reduce(Whole(0)) { $0 + $1[keyPath: kind] }
                // What does not grow is not refused for what others have.
                let request = wanted[keyPath: kind]
                guard request > 0, request > before?[keyPath: kind] ?? 0 else { continue }
                if request > capacity[keyPath: kind] || used + request > capacity[keyPath: kind] {
                    let shortage = Shortage(resource: name, requested: request, used: used, capacity: capacity[keyPath: kind])
                    state.waiting[uid] = shortage.isHopeless ? nil : waiter
                    return (shortage, [])
                }
            }
            state.pods[uid] = wanted
            state.waiting[uid] = nil
            let isLess = kinds.contains { wanted[keyPath: $0.1] < before?[keyPath: $0.1] ?? 0 }
            return (nil, isLess ? Array(state.waiting.values) : [])
        }
        for waiter in woken { waiter.set() }
        return shortage
    }

    /// Notes what a pod has already, whether there is enough of it or not.
    func note(_ amounts: Amounts, for uid: String) { state.withLock { $0.pods[uid] = amounts } }

    func release(_ uid: String) {
        let woken = state.withLock { state in
            state.waiting[uid] = nil
            return state.pods.removeValue(forKey: uid) == nil ? [] : Array(state.waiting.values)
        }
        for waiter in woken { waiter.set() }
    }
}
