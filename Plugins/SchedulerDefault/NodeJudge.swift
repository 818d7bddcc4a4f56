internal import PluginAPI
internal import PluginKit

/// What single Nodes are to a Pod: whether one would do, and how well. Allocates nothing for a Node.
struct NodeJudge {
    private let demands: NodeDemands
    private let nodes: Nodes
    private let toleratesUnschedulable: Bool
    private let checksName: Bool
    private let checksTaints: Bool
    private let checksAffinity: Bool
    private let checksPorts: Bool
    private let checksFeatures: Bool
    /// The columns of resources that a Node must have enough of, with how much.
    let resources: [(column: Int, wanted: Int64)]
    private let comparison: FitRules.Comparison?
    private let balancing: BalancedAllocation?
    private let locality: ImageLocality?

    init(_ demands: NodeDemands, _ pod: PodNeeds, _ nodes: Nodes, _ profile: Profile) {
        self.demands = demands
        self.nodes = nodes
        toleratesUnschedulable = !profile.has(.nodeUnschedulable) || demands.tolerations.tolerateUnschedulable(nodes)
        checksName = profile.has(.nodeName) && demands.nodeName != 0
        checksTaints = profile.has(.taintToleration)
        checksAffinity = profile.has(.nodeAffinity)
        checksPorts = profile.has(.nodePorts) && !demands.ports.isEmpty
        checksFeatures = profile.has(.nodeDeclaredFeatures) && !demands.features.isEmpty
        resources =
            profile.has(.nodeResourcesFit)
            ? profile.fit.checked(nodes).map { (column: $0, wanted: pod.request($0)) }.filter { $0.wanted > 0 } : []
        comparison = profile.weights[.nodeResourcesFit] == nil ? nil : profile.fit.compared(pod, nodes)
        balancing = profile.weights[.balancedAllocation] == nil ? nil : BalancedAllocation(pod, nodes, profile.balanced)
        locality = profile.weights[.imageLocality] == nil ? nil : ImageLocality(pod, nodes)
    }

    /// The first filter that does not hold, in upstream's order.
    func refusal(of node: Int) -> Checks.Refusal? {
        if nodes.isUnschedulable(node) && !toleratesUnschedulable { return .unschedulable }
        if checksName && demands.nodeName != nodes.name(node) { return .name }
        if checksTaints && !demands.tolerations.admit(node, nodes) { return .taint }
        if checksAffinity {
            if let added = demands.added, !added.admit(node, nodes) { return .addedAffinity }
            if !demands.affinity.admits(node, nodes) { return .nodeAffinity }
        }
        if checksPorts && !portsAreFree(on: node) { return .ports }
        for resource in resources where lacks(resource, node) { return .resources }
        if checksFeatures {
            for feature in demands.features where !nodes.features(node).contains(feature) { return .features }
        }
        return nil
    }

    /// Which of the first `resources` the Node has too little of, one bit each, and whether it has too little of any also with nobody there.
    func shortage(_ node: Int) -> (missing: UInt64, isHopeless: Bool) {
        var (missing, isHopeless) = (UInt64(0), false)
        for (index, resource) in resources.enumerated() where lacks(resource, node) {
            missing |= 1 << UInt64(min(index, 63))
            if resource.column != Int(APUS_RESOURCE_PODS) && resource.wanted > nodes.allocatable(resource.column, node) {
                isHopeless = true
            }
        }
        return (missing, isHopeless)
    }

    private func portsAreFree(on node: Int) -> Bool {
        for wanted in demands.ports {
            for taken in nodes.ports(node) where wanted.isTaken(by: taken) { return false }
        }
        return true
    }

    func lacks(_ resource: (column: Int, wanted: Int64), _ node: Int) -> Bool {
        // Pods that were put past the scheduler onto a Node may hold more than can be counted: that sum has wrapped.
        resource.wanted > nodes.allocatable(resource.column, node) &- nodes.requested(resource.column, node)
    }

    // Each from 0 to 100.
    func fit(_ node: Int) -> Int32 { comparison.map { Int32($0.points(node)) } ?? 0 }
    func balance(_ node: Int) -> Int32 { balancing?.points(node) ?? 0 }
    /// Whether Nodes are told apart by how evenly they would be used.
    var isBalanced: Bool { balancing != nil }

    /// The weights of the preferred terms that hold.
    func preference(_ node: Int) -> Int32 {
        var sum: Int32 = 0
        for term in demands.preferred where term.matches(node, nodes) { sum = min(sum &+ term.weight, 1 << 20) }
        return sum
    }

    /// PreferNoSchedule taints that the Pod does not tolerate.
    func avoidance(_ node: Int) -> Int32 {
        var count: Int32 = 0
        for taint in nodes.taints(node) where taint.effect == APUS_EFFECT_PREFER_NO_SCHEDULE && !demands.tolerations.tolerate(taint) {
            count += 1
        }
        return count
    }

    /// Writes 0 to 100 points for every Node, for the images that it has.
    func rateImages(into points: UnsafeMutablePointer<Int32>) { locality?.rate(nodes, into: points) }
}
