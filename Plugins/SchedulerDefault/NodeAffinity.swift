internal import PluginAPI
internal import PluginKit

/// A Pod's nodeSelector and required node affinity.
struct NodeAffinity: Hashable {
    private let selector: [Label]
    /// One of them must hold; `nil` is no constraint.
    private let required: [NodeTerm]?

    init(_ pod: PodNeeds) {
        selector = pod.selector.map { Label(key: $0.key, value: $0.value) }
        required = pod.raw.pointee.has_required == 0 ? nil : pod.required.map(NodeTerm.init)
    }

    /// The Nodes that the required terms name, all of which name some; `nil` where other Nodes may do.
    var named: Set<apus_string>? {
        guard let required, !required.isEmpty else { return nil }
        var all: Set<apus_string> = []
        for term in required {
            guard let names = term.named else { return nil }
            all.formUnion(names)
        }
        return all
    }

    var isEmpty: Bool { selector.isEmpty && required == nil }

    /// Whether the selector and one of the required terms hold.
    func admits(_ node: Int, _ nodes: Nodes) -> Bool {
        for wanted in selector where nodes.label(wanted.key, node) != wanted.value { return false }
        guard let required else { return true }
        for term in required where term.matches(node, nodes) { return true }
        return false
    }
}

/// Terms of which one must match.
struct NodeTerms: Hashable {
    private let terms: [NodeTerm]

    /// The node affinity that the scheduler's configuration adds to the Pod's; `nil` where there is none.
    init?(addedTo pod: PodNeeds) {
        let raw = pod.raw.pointee
        guard raw.has_added_required != 0 else { return nil }
        terms = UnsafeBufferPointer(start: raw.added_required, count: Int(raw.added_required_count)).map(NodeTerm.init)
    }

    func admit(_ node: Int, _ nodes: Nodes) -> Bool {
        for term in terms where term.matches(node, nodes) { return true }
        return false
    }
}

/// Requirements on a Node that must all hold.
struct NodeTerm: Hashable {
    /// Of a preferred term.
    let weight: Int32
    private let requirements: [Requirement]

    init(_ raw: apus_term) {
        weight = raw.weight
        requirements = UnsafeBufferPointer(start: raw.requirements, count: Int(raw.requirement_count)).map(Requirement.init)
    }

    /// The Nodes that every requirement with names means; `nil` where there is none.
    var named: Set<apus_string>? {
        let sets = requirements.compactMap(\.names).map { Set($0) }
        return sets.first.map { sets.dropFirst().reduce($0) { $0.intersection($1) } }
    }

    /// One without requirements matches nothing.
    func matches(_ node: Int, _ nodes: Nodes) -> Bool {
        for requirement in requirements where !requirement.holds(node, nodes) { return false }
        return !requirements.isEmpty
    }
}
