import APIModel
import OrderedCollections

/// The defaults of a definition's schema: each is a value that the schema around it allows.
enum CustomDefaults {
    /// - Parameter schema: one that is structural, and whose patterns are good.
    static func problems(in schema: Value, _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        check(schema, path, &errors)
        return errors
    }

    private static func check(_ schema: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard case .object = schema else { return }
        if !schema["default"].isNull, let compiled = try? CustomSchema(schema, patterns: CustomKinds.patterns) {
            let (field, given) = (path.child("default"), schema["default"])
            var pruned = given
            if compiled.pruneValue(&pruned) { errors.append(.invalid(field, given, "must not have unknown fields")) }
            errors += compiled.problems(of: given, at: field)
            if let rules = try? CustomRules.make(schema, isRoot: false) {
                errors += rules.validate(given, old: nil, at: field)
            }
        }
        check(schema["items"], path.child("items"), &errors)
        for (name, child) in schema["properties"].fields { check(child, path.child("properties").key(name), &errors) }
    }
}
