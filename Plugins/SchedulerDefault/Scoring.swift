internal import PluginAPI
internal import PluginKit

/// Upstream's default scores with upstream's weights, as one figure from 0 to 100: how much is left (1), how evenly cpu and memory are used
/// (1), preferred node affinity (2), few taints that ask to stay away (3).
struct Scoring {
    private let pod: PodNeeds
    private let nodes: Nodes

    init(_ pod: PodNeeds, _ nodes: Nodes) {
        self.pod = pod
        self.nodes = nodes
    }

    func score(_ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) {
        // Affinity and taints are rated against the best and the worst Node, so those come first.
        var (mostLiked, mostAvoided) = (Int64(0), Int64(0))
        for node in feasible {
            mostLiked = max(mostLiked, NodeAffinity.preference(pod, nodes, node))
            mostAvoided = max(mostAvoided, avoidance(node))
        }
        for node in feasible {
            let affinity = mostLiked == 0 ? 0 : max(0, NodeAffinity.preference(pod, nodes, node) * 100 / mostLiked)
            let taints = mostAvoided == 0 ? 100 : 100 - avoidance(node) * 100 / mostAvoided
            points[node] = Int32((leastAllocated(node) + balanced(node) + 2 * affinity + 3 * taints) / 7)
        }
    }

    /// PreferNoSchedule taints that the Pod does not tolerate.
    private func avoidance(_ node: Int) -> Int64 {
        var count: Int64 = 0
        for taint in nodes.taints(node)
        where taint.effect == APUS_EFFECT_PREFER_NO_SCHEDULE && !Tolerations.tolerate(pod.tolerations, taint) { count += 1 }
        return count
    }

    private func leastAllocated(_ node: Int) -> Int64 {
        let cpu = left(nodes.allocatable(Int(APUS_RESOURCE_CPU), node), nodes.raw.pointee.nonzero_cpu[node] &+ pod.raw.pointee.nonzero_cpu)
        let memory = left(
            nodes.allocatable(Int(APUS_RESOURCE_MEMORY), node), nodes.raw.pointee.nonzero_memory[node] &+ pod.raw.pointee.nonzero_memory)
        return (cpu + memory) / 2
    }

    private func left(_ all: Int64, _ used: Int64) -> Int64 {
        // What is held there has wrapped where it is less than nothing.
        all <= 0 || used < 0 || used > all ? 0 : Int64(Double(all - used) / Double(all) * 100)
    }

    /// 100 where cpu and memory would be used in the same proportion.
    private func balanced(_ node: Int) -> Int64 {
        func share(_ resource: Int) -> Double {
            let all = nodes.allocatable(resource, node)
            return all <= 0 ? 1 : min(max(Double(nodes.requested(resource, node) &+ pod.request(resource)) / Double(all), 0), 1)
        }
        return Int64((1 - abs(share(Int(APUS_RESOURCE_CPU)) - share(Int(APUS_RESOURCE_MEMORY))) / 2) * 100)
    }
}
