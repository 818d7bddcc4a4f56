internal import PluginKit

/// Which Nodes count where a Pod is spread: those that its node affinity, or its tolerations, let it run on.
struct NodeRules: Hashable {
    private let affinity: NodeAffinity?
    private let tolerations: Tolerations?

    /// `nil` where every Node counts.
    init?(_ pod: PodNeeds, honorsAffinity: Bool, honorsTaints: Bool) {
        let affinity = honorsAffinity ? NodeAffinity(pod) : nil
        self.affinity = affinity?.isEmpty == false ? affinity : nil
        tolerations = honorsTaints ? Tolerations(pod) : nil
        if self.affinity == nil && tolerations == nil { return nil }
    }

    func admit(_ node: Int, _ nodes: Nodes) -> Bool {
        (affinity?.admits(node, nodes) ?? true) && (tolerations?.admit(node, nodes) ?? true)
    }
}
