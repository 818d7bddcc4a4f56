import APIModel
import Client

/// A patch as it came.
struct ObjectPatch: Sendable {
    var kind: PatchKind
    var content: Value

    /// The patched object, in the version of `target`.
    func apply(to object: Value, _ target: Target, _ write: WriteContext) throws -> Value {
        try apply(to: object, schema: target.type.schema.schema, as: target.type.groupVersionKind, write)
    }

    func apply(to object: Value, schema: TypeSchema, as expected: GroupVersionKind, _ write: WriteContext) throws -> Value {
        var patched: Value
        switch kind {
        case .json: patched = try Patch.json(object, content)
        case .merge: patched = Patch.merge(object, content)
        case .strategicMerge: patched = try Patch.strategic(object, content, schema: schema)
        }
        guard case .object = patched else { throw APIError.badRequest("the patched object is no JSON object") }
        if let found = GroupVersionKind(of: patched), found != expected {
            throw APIError.badRequest("the patch changes the object from \(expected) to \(found), which a patch may not do")
        }
        let unknown = try Pruning.decode(&patched, schema: schema, kind: expected)
        try write.report(unknown.map(Pruning.unknownField), kind: expected)
        return patched
    }
}
