public import APIModel

/// Which Pods a controller gives up first: those that are worth least (upstream's `ActivePodsWithRanks`).
public enum DeletionOrder {
    public static func sorted(_ pods: [Value]) -> [Value] {
        var onNode: [String: Int] = [:]
        for pod in pods { if let node = pod["spec"]["nodeName"].string { onNode[node, default: 0] += 1 } }
        return pods.map { (pod: $0, rank: rank($0, crowd: onNode[$0["spec"]["nodeName"].string ?? ""] ?? 0)) }
            .sorted { $0.rank.lexicographicallyPrecedes($1.rank) }.map(\.pod)
    }

    /// Lower goes first, the first difference decides: not assigned; pending before unknown before running; not ready; cheaper by
    /// annotation; on a fuller node; ready for a shorter time; more restarts; younger.
    private static func rank(_ pod: Value, crowd: Int) -> [Whole] {
        let phase: Whole = ["Pending": 0, "Unknown": 1][pod["status"]["phase"].string ?? ""] ?? 2
        let cost = pod["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"].string.flatMap { Whole($0) } ?? 0
        let restarts = pod["status"]["containerStatuses"].elements.compactMap { $0["restartCount"].int }.max() ?? 0
        let created = pod["metadata"]["creationTimestamp"].string.flatMap { Timestamp.parse($0)?.seconds } ?? 0
        return [
            pod["spec"]["nodeName"].string == nil ? 0 : 1, phase, PodState.isReady(pod) ? 1 : 0, cost, Whole(-crowd),
            -(PodState.readySince(pod) ?? 0), -restarts, -created,
        ]
    }
}
