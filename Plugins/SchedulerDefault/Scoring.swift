internal import PluginAPI
internal import PluginKit

/// Upstream's scores, each from 0 to 100, those that the Pod's profile asks for.
struct Scoring {
    /// The points of one score.
    struct Part {
        let score: Profile.Score
        let weight: Int32
        /// By Node; those of Nodes that are not feasible mean nothing.
        let points: [Int32]
    }

    private let pod: PodNeeds
    private let nodes: Nodes
    private let plan: PodPlan
    private let profile: Profile
    private let tolerations: Tolerations
    private let preferred: [NodeTerm]

    init(_ pod: PodNeeds, _ nodes: Nodes, _ plan: PodPlan, _ profile: Profile) {
        self.pod = pod
        self.nodes = nodes
        self.plan = plan
        self.profile = profile
        tolerations = Tolerations(pod)
        preferred = pod.preferred.map(NodeTerm.init)
    }

    /// One for each score that tells Nodes apart.
    func parts(_ feasible: NodeSet) -> [Part] {
        Profile.Score.allCases.compactMap { score in
            guard let weight = profile.weights[score] else { return nil }
            return points(score, feasible).map { Part(score: score, weight: weight, points: $0) }
        }
    }

    /// `nil` where a score has nothing to say about the Pod.
    private func points(_ score: Profile.Score, _ feasible: NodeSet) -> [Int32]? {
        switch score {
        case .taintToleration: taints(feasible)
        case .nodeAffinity: preferred.isEmpty ? nil : affinity(feasible)
        case .nodeResourcesFit: fit(feasible)
        case .podTopologySpread: plan.spread.score(feasible)
        case .interPodAffinity: plan.interPodAffinity.score(feasible, profile)
        case .balancedAllocation: BalancedAllocation(pod, nodes, profile.balanced)?.score(feasible)
        case .imageLocality: ImageLocality.score(pod, nodes, feasible)
        }
    }

    /// Rated against the Node that is liked most.
    private func affinity(_ feasible: NodeSet) -> [Int32] {
        var sums = [Int32](repeating: 0, count: feasible.count)
        var most: Int32 = 0
        for node in feasible {
            sums[node] = preference(node)
            most = max(most, sums[node])
        }
        guard most > 0 else { return sums }
        for node in feasible { sums[node] = max(0, sums[node] * 100 / most) }
        return sums
    }

    /// The weights of the preferred terms that hold.
    private func preference(_ node: Int) -> Int32 {
        var sum: Int32 = 0
        for term in preferred where term.matches(node, nodes) { sum = min(sum &+ term.weight, 1 << 20) }
        return sum
    }

    /// Rated against the Node that is avoided most.
    private func taints(_ feasible: NodeSet) -> [Int32] {
        var points = [Int32](repeating: 0, count: feasible.count)
        var most: Int32 = 0
        for node in feasible {
            points[node] = avoidance(node)
            most = max(most, points[node])
        }
        for node in feasible { points[node] = most > 0 ? 100 - points[node] * 100 / most : 100 }
        return points
    }

    /// PreferNoSchedule taints that the Pod does not tolerate.
    private func avoidance(_ node: Int) -> Int32 {
        var count: Int32 = 0
        for taint in nodes.taints(node) where taint.effect == APUS_EFFECT_PREFER_NO_SCHEDULE && !tolerations.tolerate(taint) { count += 1 }
        return count
    }

    private func fit(_ feasible: NodeSet) -> [Int32] {
        let comparison = profile.fit.compared(pod, nodes)
        var points = [Int32](repeating: 0, count: feasible.count)
        for node in feasible { points[node] = Int32(comparison.points(node)) }
        return points
    }
}
