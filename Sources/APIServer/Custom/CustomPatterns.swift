import APIModel
import CEL
import OrderedCollections

/// The `pattern`s of a definition's schema: each has to be a regular expression.
enum CustomPatterns {
    static func problems(in schema: Value, _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        check(schema, path, &errors)
        return errors
    }

    private static func check(_ schema: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard case .object = schema else { return }
        if let text = schema["pattern"].string, !text.isEmpty {
            do {
                _ = try RegularExpression(text)
            } catch {
                errors.append(
                    .invalid(path.child("pattern"), .string(text), "must be a valid regular expression, but isn't: \(error)"))
            }
        }
        for (name, child) in schema["properties"].fields { check(child, path.child("properties").key(name), &errors) }
        for name in ["items", "additionalProperties", "not"] { check(schema[name], path.child(name), &errors) }
        for name in ["allOf", "anyOf", "oneOf"] {
            for (index, part) in schema[name].elements.enumerated() { check(part, path.child(name).index(index), &errors) }
        }
    }
}
