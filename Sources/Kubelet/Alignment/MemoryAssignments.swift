import APIModel
import OrderedCollections

/// Which containers have memory of their own at which NUMA nodes. A value: what upstream's static policy decides. Upstream:
/// `memorymanager/policy_static.go`.
///
/// A node serves containers that are on it alone, or those on one and the same group of nodes, never both.
struct MemoryAssignments: Equatable, Sendable {
    /// Memory of a kind at a node, in bytes.
    struct Table: Equatable, Sendable {
        var total: Whole
        /// Nobody's own.
        var reserved: Whole
        var taken: Whole = 0

        var allocatable: Whole { max(total - reserved, 0) }
        var free: Whole { max(allocatable - taken, 0) }
    }

    struct Node: Equatable, Sendable {
        /// How many blocks lie here.
        var count = 0
        var tables: [String: Table]
        /// This node and those that its memory is given away with.
        var group: NodeMask
    }

    /// A container's memory of a kind.
    struct Block: Equatable, Sendable {
        var nodes: NodeMask
        var kind: String
        /// What of it was not taken over by a container that runs later.
        var size: Whole
    }

    struct Failure: Error, Equatable, CustomStringConvertible {
        var description: String
        init(_ what: String) { description = "[memorymanager] \(what)" }
    }

    private(set) var nodes: [Int: Node]
    /// By pod and container.
    private(set) var own: [String: [String: [Block]]] = [:]
    /// What init containers of a pod leave to those that run later, by where and kind. Only of the pod that was given some last.
    private var left: (pod: String, sizes: [NodeMask: [String: Whole]]) = ("", [:])

    /// - Parameter reserved: bytes that are nobody's own, by node and kind.
    init(topology: MemoryTopology, reserved: [Int: [String: Whole]]) {
        nodes = [:]
        for (number, kinds) in topology.nodes {
            let pages = kinds.filter { $0.key != MemoryTopology.kind }.values.reduce(Whole(0), +)
            var tables: [String: Table] = [:]
            for (kind, size) in kinds {
                // What is in huge pages cannot be had as anything else.
                let kept = kind == MemoryTopology.kind ? pages : 0
                tables[kind] = Table(total: size, reserved: (reserved[number]?[kind] ?? 0) + kept)
            }
            nodes[number] = Node(tables: tables, group: NodeMask([number]))
        }
    }

    static func == (left: Self, right: Self) -> Bool { left.nodes == right.nodes && left.own == right.own }

    var all: NodeMask { NodeMask(nodes.keys) }

    // MARK: Who gets some

    /// What a container gets of its own, by kind: what it asks for, if its pod is promised all it may have.
    static func wanted(by container: Value, of pod: Pod) -> [String: Whole] {
        guard QualityOfService(of: pod) == .guaranteed, pod.spec["resources"].isEmpty else { return [:] }
        var wanted: [String: Whole] = [:]
        for (resource, amount) in container[path: "resources", "requests"].fields where MemoryTopology.isKind(resource) {
            wanted[resource] = amount.quantity?.value
        }
        return wanted
    }

    /// The same of all its containers together, at the most.
    static func wanted(by pod: Pod) -> [String: Whole] {
        var (sidecars, first, wanted): ([String: Whole], [String: Whole], [String: Whole]) = ([:], [:], [:])
        for container in pod.initContainers {
            for (kind, size) in Self.wanted(by: container, of: pod) {
                if container.isSidecar {
                    sidecars[kind, default: 0] += size
                } else {
                    first[kind] = max(first[kind] ?? 0, (sidecars[kind] ?? 0) + size)
                }
            }
        }
        for container in pod.containers { wanted.merge(Self.wanted(by: container, of: pod), uniquingKeysWith: +) }
        return Dictionary(uniqueKeysWithValues: wanted.map { ($0, max($1 + (sidecars[$0] ?? 0), first[$0] ?? 0)) })
    }

    /// Gives a container its own. What it has, it keeps. Throws `Failure` in upstream's words.
    /// - Parameter place: where it should be; anywhere, and not preferred, where that is all the same.
    mutating func assign(_ container: Value, of pod: Pod, at place: TopologyHint) throws(Failure) {
        let wanted = Self.wanted(by: container, of: pod)
        guard !wanted.isEmpty, own[pod.uid]?[container.name] == nil else { return }
        var hint = place
        if hint.nodes == nil {
            guard let found = Self.best(hints(for: wanted, of: pod.uid)) else {
                throw Failure("failed to get the default NUMA affinity, no NUMA nodes with enough memory is available")
            }
            if !found.isPreferred && hint.isPreferred { throw Failure("failed to find the default preferred hint") }
            hint = found
        }
        if let nodes = hint.nodes, !wanted.allSatisfy({ sum($0.key, of: nodes, \.free) >= $0.value }) {
            guard let wider = Self.best(hints(for: wanted, of: pod.uid).filter { $0.nodes?.intersection(nodes) == nodes }) else {
                throw Failure("failed to find NUMA nodes to extend the current topology hint")
            }
            if !wider.isPreferred && hint.isPreferred { throw Failure("failed to find the extended preferred hint") }
            hint = wider
        }
        guard let mask = hint.nodes, isCompatible(mask, isAssigned: true) else {
            throw Failure("preferred hint violates NUMA node allocation")
        }
        if left.pod != pod.uid { left = (pod.uid, [:]) }
        let isFirst = pod.initContainers.contains { $0.name == container.name && !$0.isSidecar }
        var blocks: [Block] = []
        for (kind, size) in wanted.sorted(by: { $0.key < $1.key }) {
            blocks.append(Block(nodes: mask, kind: kind, size: size))
            let before = left.sizes[mask]?[kind] ?? 0
            take(max(size - before, 0), kind, of: mask)
            left.sizes[mask, default: [:]][kind] = isFirst ? max(before, size) : max(before - size, 0)
        }
        inherit(blocks, container.name, of: pod)
        own[pod.uid, default: [:]][container.name] = blocks
    }

    /// What init containers had before is the later one's now, so that the blocks of a pod are what was taken for it.
    private mutating func inherit(_ blocks: [Block], _ name: String, of pod: Pod) {
        for block in blocks {
            var size = block.size
            for container in pod.initContainers.prefix(while: { $0.name != name }) where !container.isSidecar {
                for index in (own[pod.uid]?[container.name] ?? []).indices {
                    guard let other = own[pod.uid]?[container.name]?[index], other.kind == block.kind, other.nodes == block.nodes else {
                        continue
                    }
                    let part = min(other.size, size)
                    own[pod.uid]?[container.name]?[index].size -= part
                    size -= part
                }
            }
        }
    }

    /// The same of what was given away before.
    mutating func take(_ blocks: [Block], _ container: String, of pod: String) {
        for block in blocks { take(block.size, block.kind, of: block.nodes) }
        own[pod, default: [:]][container] = blocks
    }

    private mutating func take(_ size: Whole, _ kind: String, of mask: NodeMask) {
        var rest = size
        for number in mask.nodes.sorted() {
            nodes[number]?.count += 1
            nodes[number]?.group = mask
            let part = min(rest, nodes[number]?.tables[kind]?.free ?? 0)
            nodes[number]?.tables[kind]?.taken += part
            rest -= part
        }
    }

    /// Returns whether it had any.
    mutating func release(_ pod: String) -> Bool {
        guard let containers = own.removeValue(forKey: pod) else { return false }
        for block in containers.values.joined() {
            var rest = block.size
            for number in block.nodes.nodes.sorted() {
                nodes[number]?.count -= 1
                if nodes[number]?.count == 0 { nodes[number]?.group = NodeMask([number]) }
                let part = min(rest, nodes[number]?.tables[block.kind]?.taken ?? 0)
                nodes[number]?.tables[block.kind]?.taken -= part
                rest -= part
            }
        }
        return true
    }

    // MARK: Where

    private func sum(_ kind: String, of mask: NodeMask, _ field: (Table) -> Whole) -> Whole {
        mask.nodes.reduce(Whole(0)) { $0 + (nodes[$1]?.tables[kind].map(field) ?? 0) }
    }

    /// Whether memory can be given away on these nodes together.
    /// - Parameter isAssigned: one node will do whatever group it is of.
    private func isCompatible(_ mask: NodeMask, isAssigned: Bool) -> Bool {
        if mask.count == 1 { return isAssigned || mask.nodes.allSatisfy { (nodes[$0]?.group.count ?? 1) == 1 } }
        return mask.nodes.allSatisfy { nodes[$0].map { $0.count == 0 || $0.group == mask } ?? false }
    }

    /// Where so much of each kind can be had for a pod.
    private func hints(for wanted: [String: Whole], of pod: String) -> [TopologyHint] {
        var smallest = nodes.count
        var found: [NodeMask] = []
        for mask in all.subsets where wanted.allSatisfy({ sum($0.key, of: mask, \.allocatable) >= $0.value }) {
            smallest = min(smallest, mask.count)
            guard isCompatible(mask, isAssigned: false) else { continue }
            let reusable = left.pod == pod ? left.sizes[mask] ?? [:] : [:]
            if wanted.allSatisfy({ sum($0.key, of: mask, \.free) + (reusable[$0.key] ?? 0) >= $0.value }) { found.append(mask) }
        }
        return found.map { TopologyHint(nodes: $0, isPreferred: $0.count == smallest) }
    }

    private static func best(_ hints: [TopologyHint]) -> TopologyHint? {
        hints.reduce(nil) { best, hint in
            guard let best, let own = best.nodes, let other = hint.nodes else { return hint }
            if best.isPreferred != hint.isPreferred { return best.isPreferred ? best : hint }
            return own.narrower(other) == own ? best : hint
        }
    }

    /// Where a container could get its own, for each kind; none when it gets none, or there is no such place.
    func hints(for container: Value, of pod: Pod) -> [[TopologyHint]] {
        let wanted = Self.wanted(by: container, of: pod)
        if let had = own[pod.uid]?[container.name] { return again(had, wanted) }
        return lists(wanted, of: pod.uid)
    }

    /// The same for all containers of a pod together.
    func hints(for pod: Pod) -> [[TopologyHint]] {
        let wanted = Self.wanted(by: pod)
        for container in pod.initContainers + pod.containers {
            if let had = own[pod.uid]?[container.name] { return again(had, wanted) }
        }
        return lists(wanted, of: "")
    }

    private func lists(_ wanted: [String: Whole], of pod: String) -> [[TopologyHint]] {
        let hints = hints(for: wanted, of: pod)
        return hints.isEmpty ? [] : wanted.map { _ in hints }
    }

    /// Where it has them already, if that is still what it asks for.
    private func again(_ blocks: [Block], _ wanted: [String: Whole]) -> [[TopologyHint]] {
        guard blocks.count == wanted.count, blocks.allSatisfy({ wanted[$0.kind] == $0.size }) else { return [] }
        return blocks.map { [TopologyHint(nodes: $0.nodes, isPreferred: true)] }
    }
}
