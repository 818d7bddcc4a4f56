/// How strictly what a container gets has to be of the same NUMA nodes. Upstream: `topologymanager.Policy`.
enum TopologyPolicy: String, CaseIterable, Sendable {
    case none
    case bestEffort = "best-effort"
    case restricted
    case singleNUMANode = "single-numa-node"

    /// Whether one hint is found for every container by itself, or for all containers of a pod together.
    enum Scope: String, CaseIterable, Sendable { case container, pod }

    struct Refusal: Error, Equatable, CustomStringConvertible {
        var description: String { "Resources cannot be allocated with Topology locality" }
    }

    /// Why this machine cannot have it: the sets of its nodes are too many to look at.
    func problem(_ nodes: NodeMask) -> String? {
        self != .none && nodes.count > 8 ? "topologyManagerPolicy: unsupported on machines with more than 8 NUMA Nodes" : nil
    }

    /// Where what is asked for should be.
    /// - Parameters:
    ///   - wishes: hints a resource: `nil` where it is all the same, none where it cannot be had.
    ///   - nodes: those of the machine.
    /// - Throws: when there is no such place and the policy insists.
    func place(for wishes: [[TopologyHint]?], nodes: NodeMask) throws(Refusal) -> TopologyHint {
        if self == .none { return .anywhere }
        var hints = wishes.map { wish -> [TopologyHint] in
            guard let wish else { return [TopologyHint(nodes: nil, isPreferred: true)] }
            return wish.isEmpty ? [TopologyHint(nodes: nil, isPreferred: false)] : wish
        }
        if self == .singleNUMANode {
            hints = hints.map { $0.filter { $0.isPreferred && $0.nodes?.count ?? 1 == 1 } }
        }
        let best = Self.merge(hints, nodes)
        if self != .bestEffort && !best.isPreferred { throw Refusal() }
        return best.nodes == nodes && self == .singleNUMANode ? TopologyHint(nodes: nil, isPreferred: best.isPreferred) : best
    }

    private static func merge(_ hints: [[TopologyHint]], _ nodes: NodeMask) -> TopologyHint {
        // The widest of what each resource needs at least: what is not as wished should be no wider.
        let needed = hints.compactMap { $0.compactMap(\.nodes).map(\.count).min() }.max() ?? 0
        // Hints meet one resource after the other; alike ones are one, so that the number stays that of sets of nodes.
        var merged: Set<Partial> = [Partial(nodes: nodes, first: nil, isPreferred: true)]
        for list in hints { merged = merged.reduce(into: []) { all, partial in all.formUnion(list.map(partial.with)) } }
        var best: TopologyHint?
        for candidate in merged where candidate.nodes.count > 0 {
            let hint = TopologyHint(nodes: candidate.nodes, isPreferred: candidate.isPreferred)
            best = best.map { better($0, hint, needed) } ?? hint
        }
        return best ?? TopologyHint(nodes: nodes, isPreferred: false)
    }

    private struct Partial: Hashable {
        var nodes: NodeMask
        /// What the first resource that cares wants: all have to want that.
        var first: NodeMask?
        var isPreferred: Bool

        func with(_ hint: TopologyHint) -> Partial {
            guard let own = hint.nodes else { return Partial(nodes: nodes, first: first, isPreferred: isPreferred && hint.isPreferred) }
            let isSame = first ?? own == own
            return Partial(nodes: nodes.intersection(own), first: first ?? own, isPreferred: isPreferred && hint.isPreferred && isSame)
        }
    }

    /// Upstream: `HintMerger.compare`. The same whichever of the two is first.
    private static func better(_ a: TopologyHint, _ b: TopologyHint, _ needed: Int) -> TopologyHint {
        guard let own = a.nodes, let other = b.nodes else { return a }
        if a.isPreferred != b.isPreferred { return a.isPreferred ? a : b }
        let narrower = own.narrower(other) == own ? a : b
        if a.isPreferred { return narrower }
        // The closest to what is needed, from below before from above.
        func rank(_ mask: NodeMask) -> Int { mask.count == needed ? 0 : mask.count < needed ? 1 : 2 }
        if rank(own) != rank(other) { return rank(own) < rank(other) ? a : b }
        if rank(own) == 1, own.count != other.count { return own.count > other.count ? a : b }
        return narrower
    }
}
