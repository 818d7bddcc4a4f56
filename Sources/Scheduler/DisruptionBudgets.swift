internal import APIModel

/// How many Pods may be taken away from those that PodDisruptionBudgets stand for.
struct DisruptionBudgets {
    static let resource = GroupVersionResource(group: "policy", version: "v1", resource: "poddisruptionbudgets")

    private struct Budget {
        let selector: LabelSelector
        let allowed: Int64
        /// Already on their way out, and counted.
        let disrupted: Set<String>
    }
    private var budgets: [String: [String: Budget]] = [:]

    /// Takes a new or changed budget over. One that selects nobody, or everybody by saying nothing, stands for nobody.
    mutating func put(_ object: Object) {
        let (spec, status) = (object.value["spec"], object.value["status"])
        guard let selector = try? LabelSelector(spec["selector"]), !selector.requirements.isEmpty else { return remove(object) }
        budgets[object.namespace, default: [:]][object.name] = Budget(
            selector: selector, allowed: status["disruptionsAllowed"].int?.int64 ?? 0,
            disrupted: Set(status["disruptedPods"].fields.map(\.0)))
    }

    mutating func remove(_ object: Object) { budgets[object.namespace]?[object.name] = nil }

    /// Those whose loss, one after the other, would break a budget, and the others.
    func split(_ pods: some Sequence<PodInfo>) -> (breaking: [PodInfo], others: [PodInfo]) {
        var taken: [String: [String: Int64]] = [:]
        var (breaking, others): ([PodInfo], [PodInfo]) = ([], [])
        for pod in pods {
            let (namespace, labels) = (pod.key.namespace, pod.template.classKey.labels)
            var breaks = false
            for (name, budget) in budgets[namespace] ?? [:]
            where !labels.isEmpty && !budget.disrupted.contains(pod.key.name) && budget.selector.matches(labels) {
                taken[namespace, default: [:]][name, default: 0] += 1
                if taken[namespace]?[name] ?? 0 > budget.allowed { breaks = true }
            }
            if breaks { breaking.append(pod) } else { others.append(pod) }
        }
        return (breaking, others)
    }
}
