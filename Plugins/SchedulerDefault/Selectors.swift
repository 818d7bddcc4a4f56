internal import PluginAPI
internal import PluginKit

// What a Pod asks for, as values of our own: they are compared, hashed and kept while the epoch of their strings lasts.

struct Label: Hashable {
    let key: apus_string
    let value: apus_string
}

struct Requirement: Hashable {
    private let key: apus_string
    private let op: Int32
    /// Whether `key` is a field (metadata.name) and not a label.
    private let isOnName: Bool
    private let values: [apus_string]
    private let number: Int64

    init(_ raw: apus_requirement) {
        (key, op, isOnName, number) = (raw.key, raw.op, raw.on_name != 0, raw.number)
        values = Array(UnsafeBufferPointer(start: raw.values, count: Int(raw.value_count)))
    }

    /// The names of the Nodes that are meant, where the requirement names them.
    var names: [apus_string]? { isOnName && op == APUS_OPERATOR_IN ? values : nil }

    /// Of a Pod or a Namespace.
    func holds(_ labels: [Label]) -> Bool { holds(labels.first { $0.key == key }?.value) }

    func holds(_ node: Int, _ nodes: Nodes) -> Bool {
        let value = isOnName ? nodes.name(node) : nodes.label(key, node)
        return switch op {
        case APUS_OPERATOR_GREATER: value.flatMap(nodes.number).map { $0 > number } ?? false
        case APUS_OPERATOR_LESS: value.flatMap(nodes.number).map { $0 < number } ?? false
        default: holds(value)
        }
    }

    private func holds(_ value: apus_string?) -> Bool {
        switch op {
        case APUS_OPERATOR_EXISTS: value != nil
        case APUS_OPERATOR_DOES_NOT_EXIST: value == nil
        case APUS_OPERATOR_IN: value.map(values.contains) ?? false
        case APUS_OPERATOR_NOT_IN: value.map { !values.contains($0) } ?? true
        default: false
        }
    }
}

/// Which Pods, or Namespaces, are meant.
struct Selector: Hashable {
    /// `nil` means nobody, an empty one everybody.
    let requirements: [Requirement]?

    init(_ raw: apus_selector) {
        let all = UnsafeBufferPointer(start: raw.requirements, count: Int(raw.requirement_count))
        requirements = raw.is_present == 0 ? nil : all.map(Requirement.init)
    }

    func matches(_ labels: [Label]) -> Bool { requirements?.allSatisfy { $0.holds(labels) } ?? false }
    var isEverybody: Bool { requirements?.isEmpty ?? false }
}

/// Of a Pod, what a term looks at.
struct Identity: Hashable {
    let namespace: apus_string
    let labels: [Label]

    init(namespace: apus_string, _ labels: [Label]) {
        self.namespace = namespace
        self.labels = labels
    }
}

/// A term of podAffinity or podAntiAffinity.
struct Term: Hashable {
    let topologyKey: apus_string
    let namespaces: [apus_string]
    let namespaceSelector: Selector
    let selector: Selector

    init(_ raw: apus_pod_term) {
        topologyKey = raw.topology_key
        namespaces = Array(UnsafeBufferPointer(start: raw.namespaces, count: Int(raw.namespace_count)))
        namespaceSelector = Selector(raw.namespace_selector)
        selector = Selector(raw.selector)
    }

    func matches(_ pod: Identity, _ namespaces: NamespaceLabels) -> Bool {
        (self.namespaces.contains(pod.namespace) || selects(pod.namespace, namespaces)) && selector.matches(pod.labels)
    }

    private func selects(_ namespace: apus_string, _ namespaces: NamespaceLabels) -> Bool {
        guard let requirements = namespaceSelector.requirements else { return false }
        return requirements.isEmpty || namespaceSelector.matches(namespaces.labels(of: namespace))
    }
}

/// The labels of Namespaces, looked up when they are first asked for.
final class NamespaceLabels {
    private let table: UnsafePointer<apus_namespaces>
    private var rows: [apus_string: Int]?

    init(_ table: UnsafePointer<apus_namespaces>) { self.table = table }

    /// None for a Namespace that there is not.
    func labels(of namespace: apus_string) -> [Label] {
        if rows == nil {
            rows = Dictionary((0..<Int(table.pointee.count)).map { (table.pointee.names[$0], $0) }, uniquingKeysWith: { first, _ in first })
        }
        guard namespace != 0, let row = rows?[namespace] else { return [] }
        let ranges = table.pointee.label_ranges
        let labels = UnsafeBufferPointer(start: table.pointee.labels + Int(ranges.starts[row]), count: Int(ranges.counts[row]))
        return labels.map { Label(key: $0.key, value: $0.value) }
    }
}
