internal import APIModel
internal import Client
internal import PluginHost

/// The objects that policies observe, and which policies have been told of them. Used by the scheduling thread only.
struct Observers {
    private var objects: [GroupVersionResource: [PodKey: Object]] = [:]
    private var changes: [Change] = []
    /// The policies that know all but `changes`.
    private var told: Set<SchedulerPolicy.Life> = []

    private struct Change {
        let resource: GroupVersionResource
        let before: Object?
        let after: Object?

        func tell(_ policy: SchedulerPolicy) -> [WaitingVerdict]? {
            guard policy.watches.contains(where: { $0.resource == resource && $0.filter.admits(before, after) }),
                let object = after ?? before
            else { return nil }
            return InHand.with(.scheduler, resource, namespace: object.namespace, name: object.name, uid: object.uid) {
                policy.observe(resource, before: before, after: after)
            }
        }
    }

    /// What a policy said of Pods that wait for it.
    struct Said {
        let policy: String
        let verdict: WaitingVerdict
    }

    /// An object as it is now; `nil` when it went.
    mutating func put(_ resource: GroupVersionResource, _ name: PodKey, _ object: Object?) {
        let before = objects[resource]?[name]
        guard before != nil || object != nil else { return }
        objects[resource, default: [:]][name] = object
        changes.append(Change(resource: resource, before: before, after: object))
    }

    /// Nobody observes the kind any more.
    mutating func forget(_ resource: GroupVersionResource) {
        objects[resource] = nil
        changes.removeAll { $0.resource == resource }
    }

    /// Tells every policy what it does not know yet: all there is where it runs since lately, else what changed. Costs what there is to tell.
    /// - Returns: what the active ones said, and whether any was told anything.
    mutating func tell(_ policies: PolicySet) -> (said: [Said], isNews: Bool) {
        var (said, isNews): ([Said], Bool) = ([], false)
        var isNewcomer = false
        for (index, policy) in policies.everyone.enumerated() where policy.hasObserve {
            let isKnown = told.contains(policy.life)
            if !isKnown {
                isNewcomer = true
                told.insert(policy.life)
            }
            for change in isKnown ? changes : everything(policy) {
                guard let verdicts = change.tell(policy) else { continue }
                isNews = true
                if index < policies.active.count { said += verdicts.map { Said(policy: policy.name, verdict: $0) } }
            }
        }
        changes = []
        if isNewcomer { told.formIntersection(policies.everyone.map(\.life)) }
        return (said, isNews)
    }

    private func everything(_ policy: SchedulerPolicy) -> [Change] {
        Set(policy.watches.map(\.resource)).flatMap { resource in
            (objects[resource] ?? [:]).values.map { Change(resource: resource, before: nil, after: $0) }
        }
    }
}

extension PolicySet {
    /// The active ones, then the shadows' candidates.
    fileprivate var everyone: [SchedulerPolicy] { active + shadows.compactMap(\.candidate) }
}
