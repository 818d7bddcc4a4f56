import APIModel
import Client
import OrderedCollections

/// A patch as it came.
struct ObjectPatch: Sendable {
    var kind: PatchKind
    var content: Value
    /// What is wrong with fields that the text of a configuration gives twice.
    var duplicates: [String] = []

    /// The patched object, in the version of `target`.
    func apply(to object: Value, _ target: Target, _ write: WriteContext) throws -> Value {
        try apply(to: object, schema: target.type.schema.schema, as: target.type.groupVersionKind, write)
    }

    func apply(to object: Value, schema: TypeSchema, as expected: GroupVersionKind, _ write: WriteContext) throws -> Value {
        let patched: Value
        switch kind {
        case .json: patched = try Patch.json(object, content)
        case .merge:
            guard !content.isNull else { throw APIError.badRequest("Invalid JSON Patch") }
            guard case .object = content else {
                throw APIError.badRequest(
                    "error decoding patch: json: cannot unmarshal \(content.jsonType) into Go value of type map[string]interface {}")
            }
            patched = Patch.merge(object, content)
        case .strategicMerge: patched = try Patch.strategic(object, content, schema: schema)
        case .apply: throw APIError.internalError("a configuration is applied, not patched")
        }
        do {
            let checked = try checked(patched, schema: schema, as: expected)
            try write.report(checked.unknown.map(Pruning.unknownField), kind: expected)
            return checked.object
        } catch let error as APIError where error.code == 400 {
            // The patch was good; what came of it is not.
            let prefix = "\(expected.kind) in version \"\(expected.version)\" cannot be handled as a \(expected.kind): "
            let why = error.message.hasPrefix(prefix) ? String(error.message.dropFirst(prefix.count)) : error.message
            let shown: Value = kind == .strategicMerge ? .string(content.goText) : .string(Self.sorted(patched))
            throw APIError.invalid(group: "", kind: "", name: "", errors: [.invalid("patch", shown, why)])
        }
    }

    /// An object as text, its fields in the order of their names.
    private static func sorted(_ object: Value) -> String {
        let fields = object.fields.sorted { $0.key < $1.key }
        return String(decoding: JSON.encode(.object(Value.Fields(uniqueKeysWithValues: fields.map { ($0.key, $0.value) }))), as: UTF8.self)
    }

    /// What applying the configuration comes to, in the version of `target`.
    /// - Parameter object: nil where there is none.
    func applied(to object: Value?, _ target: Target, _ write: WriteContext) async throws -> Value {
        let outcome = try await FieldManager(target, write).apply(content, to: object)
        return try applied(outcome, schema: target.type.schema.schema, as: target.type.groupVersionKind, write)
    }

    /// The outcome of an apply, checked.
    func applied(_ outcome: Value, schema: TypeSchema, as expected: GroupVersionKind, _ write: WriteContext) throws -> Value {
        // Where the schema names all fields, others were refused already; elsewhere they are taken out without a word.
        let object = try checked(outcome, schema: schema, as: expected).object
        guard !duplicates.isEmpty else { return object }
        switch write.options.fieldValidation {
        case .ignore: break
        case .warn: for duplicate in duplicates { write.warn(duplicate) }
        case .strict:
            let lines =
                ["error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:"] + duplicates.map { "  " + $0 }
            throw APIError.badRequest(lines.joined(separator: "\n"))
        }
        return object
    }

    private func checked(
        _ object: Value, schema: TypeSchema, as expected: GroupVersionKind
    ) throws -> (object: Value, unknown: [String]) {
        var object = object
        guard case .object = object else { throw APIError.badRequest("the patched object is no JSON object") }
        if let found = GroupVersionKind(of: object), found != expected {
            throw APIError.badRequest("the patch changes the object from \(expected) to \(found), which a patch may not do")
        }
        let unknown = try Pruning.decode(&object, schema: schema, kind: expected)
        return (object, unknown)
    }
}
