/// NUMA nodes that would do for what a container asks for of one resource. Upstream: `topologymanager.TopologyHint`.
struct TopologyHint: Hashable, Sendable {
    /// `nil` is anywhere.
    var nodes: NodeMask?
    /// It could not be had on fewer.
    var isPreferred: Bool

    /// Of what nobody looked after.
    static let anywhere = TopologyHint(nodes: nil, isPreferred: false)
}

/// A set of NUMA nodes.
struct NodeMask: Hashable, Sendable {
    var bits: UInt64

    init(bits: UInt64) { self.bits = bits }
    init(_ nodes: some Sequence<Int>) { bits = nodes.reduce(0) { $1 < 0 || $1 > 63 ? $0 : $0 | 1 << UInt64($1) } }

    var count: Int { bits.nonzeroBitCount }
    var nodes: Set<Int> { Set((0..<64).filter { bits & (1 << UInt64($0)) != 0 }) }

    func intersection(_ other: NodeMask) -> NodeMask { NodeMask(bits: bits & other.bits) }

    /// Every set of some of these, but the empty one.
    var subsets: [NodeMask] {
        var found: [NodeMask] = []
        var subset = bits
        while subset != 0 {
            found.append(NodeMask(bits: subset))
            subset = (subset &- 1) & bits
        }
        return found.reversed()
    }

    /// The one of fewer nodes, or else of lower ones.
    func narrower(_ other: NodeMask) -> NodeMask {
        if count == other.count { return bits <= other.bits ? self : other }
        return count < other.count ? self : other
    }
}

extension TopologyHint {
    /// The hints for so many of something of which pieces are at nodes.
    /// - Parameters:
    ///   - all: nodes of every piece there is.
    ///   - available: of those that can be had.
    ///   - required: of those that have to be among them.
    static func hints(for count: Int, nodes: NodeMask, all: [Set<Int>], available: [Set<Int>], required: [Set<Int>]) -> [TopologyHint] {
        let subsets = nodes.subsets
        func matching(_ pieces: [Set<Int>], _ subset: Set<Int>) -> Int { pieces.count { !$0.isDisjoint(with: subset) } }
        let smallest = subsets.filter { matching(all, $0.nodes) >= count }.map(\.count).min() ?? nodes.count
        return subsets.filter { subset in
            let own = subset.nodes
            return matching(required, own) == required.count && required.count + matching(available, own) >= count
        }.map { TopologyHint(nodes: $0, isPreferred: $0.count == smallest) }
    }
}
