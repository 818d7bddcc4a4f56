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
            guard let left = secondsLeft(pod, taints) else { continue }
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

    /// How long the Pod may stay: `nil` means for ever, 0 means not at all.
    private func secondsLeft(_ pod: Value, _ taints: [Value]) -> Whole? {
        var least: Whole?
        for taint in taints {
            let matching = pod["spec"]["tolerations"].elements.filter { NodeFit.tolerates($0, taint) }
            guard !matching.isEmpty else { return 0 }
            guard let seconds = matching.compactMap({ $0["tolerationSeconds"].seconds }).min() else { continue }
            let added = taint["timeAdded"].string.flatMap { Timestamp.parse($0)?.seconds } ?? seen[taint] ?? now
            least = min(least ?? .max, max(0, added + seconds - now))
        }
        return least
    }
}
