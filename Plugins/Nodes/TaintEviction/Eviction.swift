internal import APIModel
internal import PluginKit

/// Deletes the Pods of one Node that do not, or no longer, tolerate its NoExecute taints.
struct Eviction {
    let node: Value
    let objects: Objects
    let now: Whole
    /// Since when taints have been there that do not say so themselves, by taint: those that people set.
    let seen: [Value: Whole]

    /// - Returns: in how many seconds the next Pod's toleration ends, `nil` when none does, and the Pods whose tolerations will end.
    func run() throws -> (next: Whole?, waiting: [Value]) {
        let taints = node["spec"]["taints"].elements.filter { $0["effect"].string == "NoExecute" }
        guard !taints.isEmpty else { return (nil, []) }
        let name = node["metadata"]["name"].string ?? ""
        var next: Whole?
        var waiting: [Value] = []
        for pod in try objects.pods(on: name) where pod["metadata"]["deletionTimestamp"].isNull {
            guard let left = Self.secondsLeft(pod, taints, seen: seen, now: now) else { continue }
            if left > 0 {
                next = min(next ?? left, left)
                waiting.append(pod)
                continue
            }
            objects.event(
                pod, .normal, reason: "TaintManagerEviction",
                message: "Marking for deletion Pod \(pod["metadata"]["namespace"].string ?? "")/\(pod["metadata"]["name"].string ?? "")")
            try evict(pod)
        }
        return (next, waiting)
    }

    private func evict(_ pod: Value) throws {
        try objects.setPodCondition(
            pod, type: "DisruptionTarget", true, reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint"
        )
        try objects.remove(.pods, pod)
    }

    /// How long the Pod may stay: `nil` means for ever, 0 means not at all. Of the tolerations of a taint the first one counts. A Pod that came
    /// to a Node with taints has its whole time there.
    static func secondsLeft(_ pod: Value, _ taints: [Value], seen: [Value: Whole], now: Whole) -> Whole? {
        let placed = PodState.condition(pod, "PodScheduled")["lastTransitionTime"].time ?? pod["metadata"]["creationTimestamp"].time ?? .min
        var least: Whole?
        for taint in taints {
            guard let toleration = pod["spec"]["tolerations"].elements.first(where: { NodeFit.tolerates($0, taint) }) else { return 0 }
            guard let seconds = toleration["tolerationSeconds"].seconds else { continue }
            let added = taint["timeAdded"].time ?? seen[taint] ?? now
            least = min(least ?? .max, seconds <= 0 ? 0 : max(0, max(added, placed) + seconds - now))
        }
        return least
    }
}
