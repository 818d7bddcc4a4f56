internal import OrderedCollections

/// `[a, ?b]`
final class ListNode: Node {
    private let elements: [any Node]
    private let optional: Set<Int>

    init(_ elements: [any Node], optional: Set<Int>) {
        self.elements = elements
        self.optional = optional
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        var values: [CELValue] = []
        values.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            let value = try element.evaluate(evaluation)
            guard !optional.isEmpty, optional.contains(index) else {
                values.append(value)
                continue
            }
            guard case .optional(let inner) = value else {
                throw EvaluationError("cannot initialize optional list element from non-optional value \(value.text)")
            }
            if let present = inner.value { values.append(present) }
        }
        try evaluation.charge(CostUnit.list.max)
        return .list(ListValue(values))
    }
}

/// `{a: b, ?c: d}`
final class MapNode: Node {
    struct Entry: Sendable {
        var key: any Node
        var value: any Node
        var isOptional: Bool
    }

    private let entries: [Entry]

    init(_ entries: [Entry]) { self.entries = entries }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        var result: OrderedDictionary<ScalarKey, MapValue.Entry> = [:]
        for entry in entries {
            let key = try entry.key.evaluate(evaluation)
            let value = try entry.value.evaluate(evaluation)
            let scalar = try MapValue.key(key)
            guard entry.isOptional else {
                result[scalar] = MapValue.Entry(key: key, value: value)
                continue
            }
            guard case .optional(let inner) = value else {
                throw EvaluationError("cannot initialize optional entry '\(key.text)' from non-optional value \(value.text)")
            }
            result[scalar] = inner.value.map { MapValue.Entry(key: key, value: $0) }
        }
        try evaluation.charge(CostUnit.map.max)
        return .map(MapValue(result))
    }
}

extension MapValue {
    /// What a value is found by when it is the key of an entry.
    static func key(_ value: CELValue) throws(EvaluationError) -> ScalarKey {
        switch value {
        case .bool, .int, .uint, .double, .string: if let key = ScalarKey(value) { return key }
        default: break
        }
        throw EvaluationError("unsupported key type: \(value.typeName)")
    }
}

/// `Name{field: value}`
final class StructureNode: Node {
    struct Field: Sendable {
        var name: String
        var value: any Node
        var isOptional: Bool
    }

    private let name: String
    private let fields: [Field]
    private let types: any StructureTypes

    init(_ name: String, _ fields: [Field], _ types: any StructureTypes) {
        self.name = name
        self.fields = fields
        self.types = types
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        var values: OrderedDictionary<String, CELValue> = [:]
        for field in fields {
            let value = try field.value.evaluate(evaluation)
            guard field.isOptional else {
                values[field.name] = value
                continue
            }
            guard case .optional(let inner) = value else {
                throw EvaluationError("cannot initialize optional entry '\(field.name)' from non-optional value \(value.text)")
            }
            values[field.name] = inner.value
        }
        try evaluation.charge(CostUnit.structure.max)
        return try types.make(name, values.map { ($0.key, $0.value) })
    }
}
