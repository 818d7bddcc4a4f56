internal import PluginAPI
internal import PluginKit

/// The filters, in upstream's order. A Node is refused by the first that does not hold, and the reasons are that filter's.
struct Checks {
    private let pod: PodNeeds
    private let nodes: Nodes
    private let tolerations: Tolerations
    private let toleratesUnschedulable: Bool
    private let affinity: NodeAffinity?
    /// The Nodes that the Pod names, where it names them: the others are not looked at any further.
    private let named: Set<apus_string>?
    /// What the scheduler's configuration asks of every Pod.
    private let added: NodeTerms?
    /// The columns of resources that a Node must have enough of.
    private let resources: [Int]
    private let checksName: Bool
    private let checksTaints: Bool
    private let checksPorts: Bool
    private let checksVolumes: Bool
    private let volumes: VolumeRules
    private let limits: VolumeLimits?
    private let spread: PodTopologySpread.Filter?
    private let interPodAffinity: InterPodAffinity.Filter?

    init(_ pod: PodNeeds, _ nodes: Nodes, _ plan: PodPlan, _ profile: Profile) {
        self.pod = pod
        self.nodes = nodes
        tolerations = Tolerations(pod)
        toleratesUnschedulable = !profile.has(.nodeUnschedulable) || tolerations.tolerateUnschedulable(nodes)
        affinity = profile.has(.nodeAffinity) ? NodeAffinity(pod) : nil
        named = affinity?.named
        added = profile.has(.nodeAffinity) ? NodeTerms(addedTo: pod) : nil
        resources = profile.has(.nodeResourcesFit) ? profile.fit.checked(nodes) : []
        checksName = profile.has(.nodeName) && pod.raw.pointee.node_name != 0
        checksTaints = profile.has(.taintToleration)
        checksPorts = profile.has(.nodePorts)
        volumes = VolumeRules(pod, profile)
        limits = profile.has(.nodeVolumeLimits) ? VolumeLimits(pod) : nil
        checksVolumes = !volumes.isEmpty || limits != nil
        spread = profile.has(.podTopologySpread) ? plan.spread.filter : nil
        interPodAffinity = profile.has(.interPodAffinity) ? plan.interPodAffinity.filter : nil
    }

    /// Whether the Pod names Nodes in ways that exclude each other, so that it can run nowhere.
    var isContradictory: Bool { named?.isEmpty == true }

    /// In the order of the filters.
    enum Refusal: Int {
        case notNamed, unschedulable, name, taint, addedAffinity, nodeAffinity, ports, resources
        case diskConflict, volumeInUse, volumeLimit, volumeMissing, volumeAffinity, noVolume, volumeZone
        case missingTopologyLabel, spread
        case podAffinity, podAntiAffinity, existingAntiAffinity
    }

    func refusal(of node: Int) -> Refusal? {
        if let named, !named.contains(nodes.name(node)) { return .notNamed }
        if nodes.isUnschedulable(node) && !toleratesUnschedulable { return .unschedulable }
        if checksName && pod.raw.pointee.node_name != nodes.name(node) { return .name }
        if checksTaints && !tolerations.admit(node, nodes) { return .taint }
        if let added, !added.admit(node, nodes) { return .addedAffinity }
        if let affinity, !affinity.admits(node, nodes) { return .nodeAffinity }
        if checksPorts && !portsAreFree(on: node) { return .ports }
        if !fits(node) { return .resources }
        if checksVolumes, let refusal = volumeRefusal(node) { return refusal }
        return spread?.refusal(node) ?? interPodAffinity?.refusal(node)
    }

    /// Of the rules about volumes, that on how many there may be stands between the others.
    private func volumeRefusal(_ node: Int) -> Refusal? {
        let refusal = volumes.refusal(node, nodes)
        if let refusal, refusal.rawValue < Refusal.volumeLimit.rawValue { return refusal }
        return limits?.admit(node, nodes) == false ? .volumeLimit : refusal
    }

    /// Why, as upstream words it; whether preemption could help, and what else could.
    struct Reason: Hashable {
        let text: String
        let verdict: Verdict
        let hints: ClusterEvents

        init(_ text: String, _ verdict: Verdict, _ hints: ClusterEvents) { (self.text, self.verdict, self.hints) = (text, verdict, hints) }
    }

    private static let reasons: [Refusal: Reason] = [
        .unschedulable: Reason("node(s) were unschedulable", .unresolvable, [.nodeAdded, .nodeTaints]),
        .notNamed: Reason("node(s) didn't satisfy plugin(s) [NodeAffinity]", .unresolvable, [.nodeAdded, .nodeLabels]),
        .name: Reason("node(s) didn't match the requested node name", .unresolvable, .nodeAdded),
        .taint: Reason("node(s) had untolerated taint(s)", .unresolvable, [.nodeAdded, .nodeTaints]),
        .nodeAffinity: Reason("node(s) didn't match Pod's node affinity/selector", .unresolvable, [.nodeAdded, .nodeLabels]),
        .addedAffinity: Reason("node(s) didn't match scheduler-enforced node affinity", .unresolvable, [.nodeAdded, .nodeLabels]),
        .ports: Reason("node(s) didn't have free ports for the requested pod ports", .unschedulable, [.nodeAdded, .podRemoved]),
        .diskConflict: Reason("node(s) had no available disk", .unschedulable, [.nodeAdded, .podRemoved]),
        .volumeLimit: Reason("node(s) exceed max volume count", .unschedulable, [.nodeAdded, .podRemoved, .volume, .volumeLimits]),
        .volumeInUse: Reason(
            "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
            .unschedulable, .podRemoved),
        .volumeMissing: Reason("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)", .unresolvable, .volume),
        .volumeAffinity: Reason(
            "node(s) didn't match PersistentVolume's node affinity", .unresolvable, [.nodeAdded, .nodeLabels, .volume]),
        .noVolume: Reason(
            "node(s) didn't find available persistent volumes to bind", .unresolvable, [.nodeAdded, .nodeLabels, .volume]),
        .volumeZone: Reason("node(s) had no available volume zone", .unresolvable, [.nodeAdded, .nodeLabels, .volume]),
        .missingTopologyLabel: Reason(
            "node(s) didn't match pod topology spread constraints (missing required label)", .unresolvable, [.nodeAdded, .nodeLabels]),
        .spread: Reason(
            "node(s) didn't match pod topology spread constraints", .unschedulable,
            [.nodeAdded, .nodeRemoved, .nodeLabels, .nodeTaints, .podAdded, .podRemoved]),
        .podAffinity: Reason("node(s) didn't match pod affinity rules", .unresolvable, [.nodeAdded, .nodeLabels, .podAdded, .namespace]),
        .podAntiAffinity: Reason(
            "node(s) didn't match pod anti-affinity rules", .unschedulable, [.nodeAdded, .nodeLabels, .podRemoved, .namespace]),
        .existingAntiAffinity: Reason(
            "node(s) didn't satisfy existing pods anti-affinity rules", .unschedulable, [.nodeAdded, .nodeLabels, .podRemoved, .namespace]),
    ]

    /// Only after a cycle that left no Node.
    func explain(_ refusal: Refusal, _ node: Int) -> [Reason] {
        if let reason = Self.reasons[refusal] { return [reason] }
        let lacking = resources.filter { lacks($0, node) }
        let isHopeless = lacking.contains { $0 != Int(APUS_RESOURCE_PODS) && pod.request($0) > nodes.allocatable($0, node) }
        return lacking.map {
            Reason(
                $0 == Int(APUS_RESOURCE_PODS) ? "Too many pods" : "Insufficient \(nodes.resource($0))",
                isHopeless ? .unresolvable : .unschedulable,
                isHopeless ? [.nodeAdded, .nodeAllocatable] : [.nodeAdded, .nodeAllocatable, .podRemoved])
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
        for resource in resources where lacks(resource, node) { return false }
        return true
    }

    private func lacks(_ resource: Int, _ node: Int) -> Bool {
        let wanted = pod.request(resource)
        // Pods that were put past the scheduler onto a Node may hold more than can be counted: that sum has wrapped.
        return wanted > 0 && wanted > nodes.allocatable(resource, node) &- nodes.requested(resource, node)
    }
}
