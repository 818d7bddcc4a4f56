internal import Synchronization

/// The scheduler policies that run, as the scheduling loop takes them: all of one moment, under leases.
final class PolicyRoster: Sendable {
    private struct List: Sendable {
        var components: [LoadedComponent] = []
        var set = PolicySet(active: [], shadows: [])
    }
    private let list = Mutex(List())

    /// From now on cycles get these, in this order. Must be called before the gate of one that is no longer among them is closed.
    func update(_ serving: [ServingPlugin]) {
        var active: [SchedulerPolicy] = []
        for case (nil, .policy(_, let leased)) in serving.map({ ($0.shadow, $0.plugin) }) { active.append(leased) }
        let shadows = serving.compactMap { serving -> ShadowPolicy? in
            guard let record = serving.shadow, case .policy(_, let candidate) = serving.plugin else { return nil }
            var policies = active
            if let place = policies.firstIndex(where: { $0.name == serving.component.manifest.replaces }) {
                policies[place] = candidate
            } else {
                policies = [candidate]
            }
            return ShadowPolicy(name: candidate.name, policies: policies, record: record)
        }
        let next = List(components: serving.map(\.component), set: PolicySet(active: active, shadows: shadows))
        list.withLock { $0 = next }
    }

    /// Runs `body` with the policies of this moment; none of them is stopped before it returns.
    func use<R>(_ body: (PolicySet) -> R) -> R {
        while true {
            let list = list.withLock { $0 }
            let leased = list.components.prefix { $0.retain() }
            defer { for component in leased { component.release() } }
            // One that is closed is not in the newest list any more.
            if leased.count == list.components.count { return body(list.set) }
        }
    }
}
