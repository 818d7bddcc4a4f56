internal import OrderedCollections

/// Makes a decoded object be of its type: what the type does not have is taken out, what has the wrong JSON type is refused, what has
/// several spellings gets its canonical one.
public enum Pruning {
    /// Removes fields that `schema` does not have and fields that are `null`, and writes quantities and times canonically.
    /// - Returns: the paths of the unknown fields, `spec.containers[0].foo`, in the order met.
    public static func prune(_ object: inout Value, schema: TypeSchema) -> [String] {
        if let custom = schema.custom { return custom.prune(&object).unknown }
        var walk = TypeWalk()
        walk.object(&object, schema)
        return walk.unknown
    }

    /// As `prune`, for an object that comes from outside.
    /// - Throws: a `BadRequest` that names the first value of a wrong type:
    ///   `Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field
    ///   DeploymentSpec.spec.replicas of type int32`
    public static func decode(_ object: inout Value, schema: TypeSchema, kind: GroupVersionKind) throws(APIError) -> [String] {
        let unknown: [String]
        let mismatch: String?
        if let custom = schema.custom {
            let findings = custom.prune(&object)
            (unknown, mismatch) = (findings.unknown.sorted(), findings.mismatch)
        } else {
            var walk = TypeWalk()
            walk.object(&object, schema)
            (unknown, mismatch) = (walk.unknown, walk.mismatch)
        }
        if let mismatch {
            throw APIError.badRequest(
                "\(kind.kind) in version \(FieldError.quoted(kind.version)) cannot be handled as a \(kind.kind): \(mismatch)")
        }
        return unknown
    }

    /// `unknown field "spec.foo"`: one warning, or one line of the error when field validation is strict.
    public static func unknownField(_ path: String) -> String { "unknown field \(FieldError.quoted(path))" }

    /// `duplicate field "spec.foo"`
    public static func duplicateField(_ path: String) -> String { "duplicate field \(FieldError.quoted(path))" }

    /// What field validation `Strict` answers: `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error:
    /// unknown field "spec.foo"`.
    public static func strictError(_ complaints: [String], kind: GroupVersionKind) -> APIError {
        .badRequest(
            "\(kind.kind) in version \(FieldError.quoted(kind.version)) cannot be handled as a \(kind.kind): strict decoding error: \(complaints.joined(separator: ", "))"
        )
    }
}
