internal import PluginAPI
internal import PluginKit

/// nodeSelector, and required and preferred node affinity.
enum NodeAffinity {
    /// Whether the selector and one of the required terms hold.
    static func admits(_ pod: PodNeeds, _ nodes: Nodes, _ node: Int) -> Bool {
        for wanted in pod.selector where nodes.label(wanted.key, node) != wanted.value { return false }
        guard pod.raw.pointee.has_required != 0 else { return true }
        for term in pod.required where matches(term, nodes, node) { return true }
        return false
    }

    /// The weights of the preferred terms that hold.
    static func preference(_ pod: PodNeeds, _ nodes: Nodes, _ node: Int) -> Int64 {
        var sum: Int64 = 0
        for term in pod.preferred where matches(term, nodes, node) { sum += Int64(term.weight) }
        return sum
    }

    private static func matches(_ term: apus_term, _ nodes: Nodes, _ node: Int) -> Bool {
        guard term.requirement_count > 0 else { return false }
        for requirement in UnsafeBufferPointer(start: term.requirements, count: Int(term.requirement_count))
        where !holds(requirement, nodes, node) { return false }
        return true
    }

    private static func holds(_ requirement: apus_requirement, _ nodes: Nodes, _ node: Int) -> Bool {
        let value = requirement.on_name != 0 ? nodes.name(node) : nodes.label(requirement.key, node)
        switch requirement.op {
        case APUS_OPERATOR_EXISTS: return value != nil
        case APUS_OPERATOR_DOES_NOT_EXIST: return value == nil
        case APUS_OPERATOR_IN: return value.map { contains(requirement, $0) } ?? false
        case APUS_OPERATOR_NOT_IN: return value.map { !contains(requirement, $0) } ?? true
        case APUS_OPERATOR_GREATER: return value.flatMap(nodes.number).map { $0 > requirement.number } ?? false
        case APUS_OPERATOR_LESS: return value.flatMap(nodes.number).map { $0 < requirement.number } ?? false
        default: return false
        }
    }

    private static func contains(_ requirement: apus_requirement, _ value: apus_string) -> Bool {
        UnsafeBufferPointer(start: requirement.values, count: Int(requirement.value_count)).contains(value)
    }
}
