internal import PluginAPI
internal import PluginKit

/// The filters, in upstream's order. A Node is refused by the first that does not hold, and the reasons are that filter's.
struct Checks {
    private let nodes: Nodes
    /// `nil` where the notes say enough: what is known of single Nodes already.
    private let judge: NodeJudge?
    private let notes: NodeNotes?
    private let volumes: VolumeRules
    private let limits: VolumeLimits?
    private let checksVolumes: Bool
    private let spread: PodTopologySpread.Filter?
    private let interPodAffinity: InterPodAffinity.Filter?

    init(_ pod: PodNeeds, _ nodes: Nodes, _ plan: PodPlan, _ profile: Profile, _ judge: NodeJudge?, _ notes: NodeNotes?) {
        self.nodes = nodes
        self.judge = judge
        self.notes = notes
        volumes = VolumeRules(pod, profile)
        limits = profile.has(.nodeVolumeLimits) ? VolumeLimits(pod) : nil
        checksVolumes = !volumes.isEmpty || limits != nil
        spread = profile.has(.podTopologySpread) ? plan.spread.filter : nil
        interPodAffinity = profile.has(.interPodAffinity) ? plan.interPodAffinity.filter : nil
    }

    /// In the order of the filters.
    enum Refusal: Int {
        case unschedulable, name, taint, addedAffinity, nodeAffinity, ports, resources
        case diskConflict, volumeInUse, volumeLimit, volumeMissing, volumeAffinity, noVolume, noSpace, volumeZone
        case missingTopologyLabel, spread
        case podAffinity, podAntiAffinity, existingAntiAffinity
        case features
    }

    func refusal(of node: Int) -> Refusal? {
        if let refusal = single(node) { return refusal }
        if checksVolumes, let refusal = volumeRefusal(node) { return refusal }
        return spread?.refusal(node) ?? interPodAffinity?.refusal(node)
    }

    /// What the Node itself is refused for.
    private func single(_ node: Int) -> Refusal? { notes.map { $0.refusal(of: node) } ?? judge?.refusal(of: node) }

    /// Clears every Node that `refusal(of:)` has something against.
    func filter(_ feasible: NodeSet) {
        if let notes { notes.filter(feasible) } else { feasible.removeAll { single($0) != nil } }
        if checksVolumes { feasible.removeAll { volumeRefusal($0) != nil } }
        spread?.filter(feasible)
        interPodAffinity?.filter(feasible)
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

    /// Of Nodes that a Pod does not name that names others.
    static let notNamed = Reason("node(s) didn't satisfy plugin(s) [NodeAffinity]", .unresolvable, [.nodeAdded, .nodeLabels])

    private static let reasons: [Refusal: Reason] = [
        .unschedulable: Reason("node(s) were unschedulable", .unresolvable, [.nodeAdded, .nodeTaints]),
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
        .noSpace: Reason(
            "node(s) did not have enough free storage", .unresolvable, [.nodeAdded, .nodeLabels, .volume]),
        .volumeZone: Reason("node(s) had no available volume zone", .unresolvable, [.nodeAdded, .nodeLabels, .volume]),
        .missingTopologyLabel: Reason(
            "node(s) didn't match pod topology spread constraints (missing required label)", .unresolvable, [.nodeAdded, .nodeLabels]),
        .spread: Reason(
            "node(s) didn't match pod topology spread constraints", .unschedulable,
            [.nodeAdded, .nodeRemoved, .nodeLabels, .nodeTaints, .podAdded, .podRemoved]),
        .podAffinity: Reason("node(s) didn't match pod affinity rules", .unresolvable, [.nodeAdded, .nodeLabels, .podAdded, .namespace]),
        .podAntiAffinity: Reason(
            "node(s) didn't match pod anti-affinity rules", .unschedulable, [.nodeAdded, .nodeLabels, .podRemoved, .namespace]),
        .features: Reason("node(s) didn't match Pod's required features", .unresolvable, [.nodeAdded, .nodeFeatures]),
        .existingAntiAffinity: Reason(
            "node(s) didn't satisfy existing pods anti-affinity rules", .unschedulable, [.nodeAdded, .nodeLabels, .podRemoved, .namespace]),
    ]

    /// Only after a cycle that left no Node.
    func explain(_ refusal: Refusal, _ node: Int, to ledger: inout ReasonLedger) {
        if refusal != .resources { return ledger.add(node, UInt64(refusal.rawValue)) { Self.reasons[refusal].map { [$0] } ?? [] } }
        guard let judge else { return }
        let (missing, isHopeless) = judge.shortage(node)
        // Nodes that lack the same share their reasons.
        let key = judge.resources.count > 48 ? nil : missing << 8 | UInt64(refusal.rawValue) << 1 | (isHopeless ? 1 : 0)
        ledger.add(node, key) {
            judge.resources.filter { judge.lacks($0, node) }.map { lack in
                Reason(
                    lack.column == Int(APUS_RESOURCE_PODS) ? "Too many pods" : "Insufficient \(nodes.resource(lack.column))",
                    isHopeless ? .unresolvable : .unschedulable,
                    isHopeless ? [.nodeAdded, .nodeAllocatable] : [.nodeAdded, .nodeAllocatable, .podRemoved])
            }
        }
    }
}
