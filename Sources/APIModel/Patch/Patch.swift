internal import OrderedCollections

/// The three ways to change an object by saying only what changes. All are pure: the target stays as it was.
public enum Patch {
    /// RFC 7386: objects are merged field by field, `null` removes, anything else replaces.
    public static func merge(_ target: Value, _ patch: Value) -> Value {
        guard case .object(let changes) = patch else { return patch }
        var fields = target.fields
        var removed: Set<String> = []
        for (name, change) in changes {
            if change.isNull {
                removed.insert(name)
            } else {
                fields[name] = merge(fields[name] ?? .null, change)
            }
        }
        if !removed.isEmpty { fields.removeAll { removed.contains($0.key) } }
        return .object(fields)
    }

    /// RFC 6902: a list of operations, all or none.
    /// - Throws: a `BadRequest` for a patch that is none, an `Invalid` for an operation that does not fit the target.
    public static func json(_ target: Value, _ patch: Value) throws(APIError) -> Value {
        if patch.isNull { return target }
        guard case .array(let operations) = patch else {
            throw APIError.badRequest(
                "error decoding patch: json: cannot unmarshal \(patch.jsonType) into Go value of type []handlers.jsonPatchOp")
        }
        if let other = operations.first(where: { if case .object = $0 { false } else { true } }) {
            throw APIError.badRequest(
                "error decoding patch: json: cannot unmarshal \(other.jsonType) into Go value of type handlers.jsonPatchOp")
        }
        guard operations.count <= 10_000 else {
            throw APIError(
                code: 413, reason: .requestEntityTooLarge,
                message: "The allowed maximum operations in a JSON patch is 10000, got \(operations.count)")
        }
        do throws(Problem) {
            return try apply(operations, to: target)
        } catch {
            throw APIError(
                code: 422, reason: .invalid, message: "the server rejected our request due to an error in our request",
                details: .emptyObject)
        }
    }

    /// Why an operation does not fit.
    public struct Problem: Error, Hashable, CustomStringConvertible {
        public var description: String
        /// It is one that tests, and found something else.
        public var isFailedTest = false
    }

    /// The operations of RFC 6902, for those who may know why they do not fit.
    public static func apply(_ operations: [Value], to target: Value) throws(Problem) -> Value {
        var patch = JSONPatch(target)
        for operation in operations { try patch.apply(operation) }
        return patch.document
    }

    /// Kubernetes' strategic merge: as `merge`, but lists that have a merge key are merged by it, and the directives `$patch`,
    /// `$retainKeys`, `$deleteFromPrimitiveList/…` and `$setElementOrder/…` are obeyed.
    /// - Throws: a `BadRequest` or an `Invalid` for a patch that contradicts the schema or itself.
    public static func strategic(_ target: Value, _ patch: Value, schema: TypeSchema) throws(APIError) -> Value {
        guard case .object(let fields) = patch else {
            throw APIError.badRequest("json: cannot unmarshal \(patch.jsonType) into Go value of type map[string]interface {}")
        }
        return .object(try StrategicMerge.merge(target.fields, fields, .object(schema)))
    }
}
