public import APIModel

/// Which Pods a controller gives up first: those that are worth least.
///
/// Rules: upstream's `ActivePods` and `ActivePodsWithRanks`.
public enum DeletionOrder {
    /// The first difference decides: not assigned; pending before unknown before running; not ready; ready for a shorter time; more
    /// restarts, of sidecars last; younger.
    public static func sorted(_ pods: [Value]) -> [Value] { sorted(pods.map { Standing($0) }, ageOf: nil) }

    /// As above, but before times are looked at: cheaper by annotation, then on a node with more of the Pods that do the same. Times count
    /// by their order of magnitude; where that is the same, chance decides, so that not always the youngest go, which often are together on
    /// the newest nodes.
    /// - Parameters:
    ///   - related: the Pods of all sets that share an owner with the one that is made smaller, and its own.
    ///   - now: seconds since 1970.
    public static func sorted(_ pods: [Value], among related: [Value], now: Whole) -> [Value] {
        var onNode: [String: Whole] = [:]
        for pod in related where PodState.isActive(pod) { onNode[pod["spec"]["nodeName"].string ?? "", default: 0] += 1 }
        return sorted(
            pods.map { pod in
                let cost = pod["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"].string.flatMap { Int32($0) } ?? 0
                return Standing(pod, [Whole(cost), -(onNode[pod["spec"]["nodeName"].string ?? ""] ?? 0)])
            }, ageOf: now)
    }

    private static func sorted(_ pods: [Standing], ageOf now: Whole?) -> [Value] {
        pods.sorted { $0.goes(before: $1, ageOf: now) }.map(\.pod)
    }

    /// What a Pod is worth.
    private struct Standing {
        let pod: Value
        /// Lower goes first, the first difference decides.
        let place: [Whole]
        let restarts: [Whole]
        let ready: Whole?
        let created: Whole?

        init(_ pod: Value, _ choice: [Whole] = []) {
            self.pod = pod
            let phase: Whole = ["Pending": 0, "Unknown": 1][pod["status"]["phase"].string ?? ""] ?? 2
            let isReady = PodState.isReady(pod)
            place = [(pod["spec"]["nodeName"].string ?? "").isEmpty ? 0 : 1, phase, isReady ? 1 : 0] + choice
            let sidecars = Set(pod["spec"]["initContainers"].elements.filter { $0["restartPolicy"].string == "Always" }.map { $0["name"] })
            func most(_ statuses: [Value]) -> Whole { -(statuses.compactMap { $0["restartCount"].int }.max() ?? 0) }
            restarts = [
                most(pod["status"]["containerStatuses"].elements),
                most(pod["status"]["initContainerStatuses"].elements.filter { sidecars.contains($0["name"]) }),
            ]
            ready = isReady ? PodState.readySince(pod) : nil
            created = pod["metadata"]["creationTimestamp"].time
        }

        func goes(before other: Standing, ageOf now: Whole?) -> Bool {
            if place != other.place { return place.lexicographicallyPrecedes(other.place) }
            if ready != other.ready { return isYounger(ready, than: other.ready, of: other, now) }
            if restarts != other.restarts { return restarts.lexicographicallyPrecedes(other.restarts) }
            if created != other.created { return isYounger(created, than: other.created, of: other, now) }
            return false
        }

        private func isYounger(_ time: Whole?, than otherTime: Whole?, of other: Standing, _ now: Whole?) -> Bool {
            guard let time, let otherTime else { return time == nil }
            guard let now else { return time > otherTime }
            let (age, otherAge) = (Self.magnitude(now - time), Self.magnitude(now - otherTime))
            return age == otherAge ? (pod["metadata"]["uid"].string ?? "") < (other.pod["metadata"]["uid"].string ?? "") : age < otherAge
        }

        /// How often an age in nanoseconds can be halved.
        private static func magnitude(_ seconds: Whole) -> Int { seconds > 0 ? (Double(seconds) * 1e9).exponent : -1 }
    }
}
