internal import PluginAPI
internal import PluginKit

/// The filters, in upstream's order. A Node is refused by the first that does not hold, and the reasons are that filter's.
struct Checks {
    private let pod: PodNeeds
    private let nodes: Nodes
    private let toleratesUnschedulable: Bool

    init(_ pod: PodNeeds, _ nodes: Nodes) {
        self.pod = pod
        self.nodes = nodes
        toleratesUnschedulable = pod.tolerations.contains { Tolerations.toleratesUnschedulable($0, nodes) }
    }

    enum Refusal { case unschedulable, name, taint, affinity, ports, resources }

    func refusal(of node: Int) -> Refusal? {
        if nodes.isUnschedulable(node) && !toleratesUnschedulable { return .unschedulable }
        let wanted = pod.raw.pointee.node_name
        if wanted != 0 && wanted != nodes.name(node) { return .name }
        if hasUntoleratedTaint(node) { return .taint }
        if !NodeAffinity.admits(pod, nodes, node) { return .affinity }
        if !portsAreFree(on: node) { return .ports }
        if !fits(node) { return .resources }
        return nil
    }

    /// The reasons as upstream words them, and whether preemption could help. Only after a cycle that left no Node.
    func explain(_ refusal: Refusal, _ node: Int) -> (verdict: Verdict, texts: [String]) {
        switch refusal {
        case .unschedulable: return (.unresolvable, ["node(s) were unschedulable"])
        case .name: return (.unresolvable, ["node(s) didn't match the requested node name"])
        case .taint: return (.unresolvable, ["node(s) had untolerated taint(s)"])
        case .affinity: return (.unresolvable, ["node(s) didn't match Pod's node affinity/selector"])
        case .ports: return (.unschedulable, ["node(s) didn't have free ports for the requested pod ports"])
        case .resources:
            let lacking = (0..<nodes.resourceCount).filter { lacks($0, node) }
            let isHopeless = lacking.contains {
                $0 != Int(APUS_RESOURCE_PODS) && pod.request($0) > nodes.allocatable($0, node)
            }
            return (
                isHopeless ? .unresolvable : .unschedulable,
                lacking.map { $0 == Int(APUS_RESOURCE_PODS) ? "Too many pods" : "Insufficient \(nodes.resource($0))" }
            )
        }
    }

    private func hasUntoleratedTaint(_ node: Int) -> Bool {
        nodes.taints(node).contains { taint in
            taint.effect != APUS_EFFECT_PREFER_NO_SCHEDULE && !Tolerations.tolerate(pod.tolerations, taint)
        }
    }

    private func portsAreFree(on node: Int) -> Bool {
        for wanted in pod.ports {
            for taken in nodes.ports(node) where taken.port == wanted.port && taken.protocol == wanted.protocol {
                if taken.ip == wanted.ip || taken.ip == 0 || wanted.ip == 0 { return false }
            }
        }
        return true
    }

    private func fits(_ node: Int) -> Bool {
        for resource in 0..<nodes.resourceCount where lacks(resource, node) { return false }
        return true
    }

    private func lacks(_ resource: Int, _ node: Int) -> Bool {
        let wanted = pod.request(resource)
        // Pods that were put past the scheduler onto a Node may hold more than can be counted: that sum has wrapped.
        return wanted > 0 && wanted > nodes.allocatable(resource, node) &- nodes.requested(resource, node)
    }
}
