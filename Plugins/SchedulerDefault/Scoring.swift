internal import PluginAPI
internal import PluginKit

/// Upstream's default scores, each from 0 to 100, with upstream's weights: how much is left (1), how evenly cpu and memory are used (1),
/// preferred node affinity (2), few taints that ask to stay away (3), preferred pod affinity (2), spread (2), images that are there (1).
struct Scoring {
    /// Of all scores together.
    static let weights = 12

    private let pod: PodNeeds
    private let nodes: Nodes
    private let plan: PodPlan
    private let tolerations: Tolerations
    private let preferred: [NodeTerm]

    init(_ pod: PodNeeds, _ nodes: Nodes, _ plan: PodPlan) {
        self.pod = pod
        self.nodes = nodes
        self.plan = plan
        tolerations = Tolerations(pod)
        preferred = pod.preferred.map(NodeTerm.init)
    }

    func score(_ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) {
        var sums = [Int64](repeating: 0, count: feasible.count)
        plan.interPodAffinity.score(feasible, &sums, weight: 2)
        plan.spread.score(feasible, &sums, weight: 2)
        ImageLocality.score(pod, nodes, feasible, &sums)
        scoreAffinityAndTaints(feasible, &sums)
        let asksForSomething = pod.request(Int(APUS_RESOURCE_CPU)) != 0 || pod.request(Int(APUS_RESOURCE_MEMORY)) != 0
        for node in feasible {
            points[node] = Int32(sums[node] + leastAllocated(node) + (asksForSomething ? balanced(node) : 0))
        }
    }

    /// Both are rated against the Node that is liked, or avoided, most.
    private func scoreAffinityAndTaints(_ feasible: NodeSet, _ sums: inout [Int64]) {
        var (mostLiked, mostAvoided) = (Int64(0), Int64(0))
        for node in feasible {
            if !preferred.isEmpty { mostLiked = max(mostLiked, preference(node)) }
            mostAvoided = max(mostAvoided, avoidance(node))
        }
        for node in feasible {
            if mostLiked > 0 { sums[node] += 2 * max(0, preference(node) * 100 / mostLiked) }
            sums[node] += 3 * (mostAvoided == 0 ? 100 : 100 - avoidance(node) * 100 / mostAvoided)
        }
    }

    /// The weights of the preferred terms that hold.
    private func preference(_ node: Int) -> Int64 {
        var sum: Int64 = 0
        for term in preferred where term.matches(node, nodes) { sum += Int64(term.weight) }
        return sum
    }

    /// PreferNoSchedule taints that the Pod does not tolerate.
    private func avoidance(_ node: Int) -> Int64 {
        var count: Int64 = 0
        for taint in nodes.taints(node) where taint.effect == APUS_EFFECT_PREFER_NO_SCHEDULE && !tolerations.tolerate(taint) { count += 1 }
        return count
    }

    private func leastAllocated(_ node: Int) -> Int64 {
        var (sum, count) = (Int64(0), Int64(0))
        func add(_ all: Int64, _ used: Int64) {
            guard all > 0 else { return }
            // What is held there has wrapped where it is less than nothing.
            sum += used < 0 || used > all ? 0 : (all - used) * 100 / all
            count += 1
        }
        let raw = (nodes.raw.pointee, pod.raw.pointee)
        add(nodes.allocatable(Int(APUS_RESOURCE_CPU), node), raw.0.nonzero_cpu[node] &+ raw.1.nonzero_cpu)
        add(nodes.allocatable(Int(APUS_RESOURCE_MEMORY), node), raw.0.nonzero_memory[node] &+ raw.1.nonzero_memory)
        return count == 0 ? 0 : sum / count
    }

    /// From 50 to 100: how much more evenly cpu and memory would be used with the Pod than without it.
    private func balanced(_ node: Int) -> Int64 { 50 + (50 + evenness(node, withPod: true) - evenness(node, withPod: false)) / 2 }

    /// 100 where cpu and memory are used in the same proportion.
    private func evenness(_ node: Int, withPod: Bool) -> Int64 {
        func share(_ resource: Int) -> Double? {
            let all = nodes.allocatable(resource, node)
            guard all > 0 else { return nil }
            let used = nodes.requested(resource, node) &+ (withPod ? pod.request(resource) : 0)
            return min(max(Double(used) / Double(all), 0), 1)
        }
        guard let cpu = share(Int(APUS_RESOURCE_CPU)), let memory = share(Int(APUS_RESOURCE_MEMORY)) else { return 100 }
        return Int64((1 - abs((cpu - memory) / 2)) * 100)
    }
}
