internal import OrderedCollections

extension Library {
    /// What paths of JSON patches need.
    static let jsonPatch = Library(
        "kubernetes.jsonpatch",
        [
            Function(
                "jsonpatch.escapeKey",
                .global("string_jsonpatch_escapeKey_string", [.string], .string, cost: .traversing(keepsSize: true)) {
                    a, _ throws(EvaluationError) in
                    let escapes: [Unicode.Scalar: String] = ["/": "~1", "~": "~0"]
                    return .string(try a.string(0).unicodeScalars.reduce(into: "") { $0 += escapes[$1] ?? String($1) })
                })
        ])
}

extension Environment {
    /// The same environment with the types that policies write changes in: `Object{spec: Object.spec{…}}` and `JSONPatch{op: …}`.
    public var withPatches: Environment { with([], libraries: [.jsonPatch]).with(structures: PatchTypes()) }
}

/// `JSONPatch`, `Object`, and for each field of an object a type of its own, named by the way to it.
struct PatchTypes: StructureTypes {
    private static let patch = "JSONPatch"
    private static let root = "Object"

    func has(_ type: String) -> Bool { type == Self.patch || type == Self.root || type.hasPrefix("\(Self.root).") }

    func field(_ name: String, of type: String) -> CELType? {
        guard type == Self.patch else { return .dyn }
        return ["op": CELType.string, "path": .string, "from": .string, "value": .dyn][name]
    }

    func make(_ type: String, _ fields: [(name: String, value: CELValue)]) throws(EvaluationError) -> CELValue {
        let fields = OrderedDictionary(fields.map { ($0.name, $0.value) }) { $1 }
        guard type == Self.patch else { return .object(ConstructedObject(type, fields)) }
        for (name, value) in fields where name != "value" {
            guard case .string = value else { throw EvaluationError("unexpected type \(value.typeName) for JSONPatchType '\(name)' field") }
        }
        return .object(JSONPatchValue(fields))
    }
}

/// One operation of a JSON patch.
public final class JSONPatchValue: ObjectValue, JSONObjectValue {
    private let fields: OrderedDictionary<String, CELValue>

    init(_ fields: OrderedDictionary<String, CELValue>) { self.fields = fields }

    public var typeName: String { "JSONPatch" }
    public var description: String { "JSONPatch{\(fields.map { "\($0.key): \($0.value)" }.joined(separator: ", "))}" }
    var jsonFields: OrderedDictionary<String, CELValue> { fields }

    public func field(_ name: String) throws(EvaluationError) -> CELValue? {
        switch name {
        // An empty text is one that is not set.
        case "op", "path", "from": if case .string(let text)? = fields[name], !text.isEmpty { return .string(text) }
        case "value": return fields[name]
        default: throw EvaluationError("unsupported field: \(name)")
        }
        return nil
    }

    public func unset(_ name: String) -> CELValue? { name == "value" ? .null : .string("") }

    public func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as JSONPatchValue) = other else { return false }
        return try evaluation.areEqual(fields, other.fields)
    }
}

/// An object that an expression put together, to be merged into another.
public final class ConstructedObject: ObjectValue, JSONObjectValue {
    public let typeName: String
    private let fields: OrderedDictionary<String, CELValue>

    init(_ typeName: String, _ fields: OrderedDictionary<String, CELValue>) {
        self.typeName = typeName
        self.fields = fields
    }

    public var description: String { "\(typeName){\(fields.map { "\($0.key): \($0.value)" }.joined(separator: ", "))}" }
    public var isZero: Bool { fields.isEmpty }
    var jsonFields: OrderedDictionary<String, CELValue> { fields }

    public func field(_ name: String) throws(EvaluationError) -> CELValue? { fields[name] }
    public func unset(_ name: String) -> CELValue? { .null }

    public func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as ConstructedObject) = other, typeName == other.typeName else { return false }
        return try evaluation.areEqual(fields, other.fields)
    }

    /// What is wrong with the names of types in it: the type of a field must be named by the way to it.
    public func misnamedTypes() -> [String] { Self.misnamed(.object(self), path: typeName) }

    private static func misnamed(_ value: CELValue, path: String) -> [String] {
        switch value {
        case .object(let object as ConstructedObject):
            let wrong =
                object.typeName == path
                ? []
                : [
                    "unexpected type name \(GoQuote.quote(object.typeName)), expected \(GoQuote.quote(path)), "
                        + "which matches field name path from root Object type"
                ]
            return wrong + object.fields.flatMap { misnamed($0.value, path: "\(path).\($0.key)") }
        case .list(let list): return ((try? list.values()) ?? []).flatMap { misnamed($0, path: path) }
        case .map(let map): return map.keys().flatMap { key in (try? map.find(key)).flatMap { $0 }.map { misnamed($0, path: path) } ?? [] }
        default: return []
        }
    }
}

extension Evaluation {
    fileprivate func areEqual(
        _ left: OrderedDictionary<String, CELValue>, _ right: OrderedDictionary<String, CELValue>
    ) throws(EvaluationError) -> Bool {
        guard left.count == right.count else { return false }
        for (name, value) in left {
            guard let other = right[name], try areEqual(value, other) else { return false }
        }
        return true
    }
}
