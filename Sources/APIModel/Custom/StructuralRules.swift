internal import OrderedCollections

/// Whether the schema of a definition is structural: every value has a type, what is taken out and filled in can be told without looking
/// at values, and rules about values say nothing else. Upstream: `ValidateStructural`.
public enum StructuralRules {
    public static func validate(_ schema: Value, _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        if schema["nullable"].bool == true { errors.append(.forbidden(path.child("nullable"), "nullable cannot be true at the root")) }
        if !OpenAPISchemaRules.hasUnsupported(schema) {
            node(schema, .root, path, &errors)
            complete(schema, schema, path, path, &errors)
        }
        OpenAPISchemaRules.check(schema, path, isRoot: true, &errors)
        return errors
    }

    private enum Level: String {
        case root = "must not be empty at the root"
        case item = "must not be empty for specified array items"
        case field = "must not be empty for specified object fields"
    }

    private static func node(_ schema: Value, _ level: Level, _ path: FieldPath, _ errors: inout [FieldError]) {
        let type = schema["type"].string ?? ""
        let preserves = schema["x-kubernetes-preserve-unknown-fields"].bool == true
        let isIntOrString = schema["x-kubernetes-int-or-string"].bool == true
        let isEmbedded = schema["x-kubernetes-embedded-resource"].bool == true
        if type == "array", schema["items"].isNull { errors.append(.required(path.child("items"), "must be specified")) }
        if case .object = schema["items"] { node(schema["items"], .item, path.child("items"), &errors) }
        for (name, child) in schema["properties"].fields { node(child, .field, path.child("properties").key(name), &errors) }
        let additional = schema["additionalProperties"]
        if !additional.isNull, level == .root {
            errors.append(.forbidden(path.child("additionalProperties"), "must not be used at the root"))
        }
        if case .object = additional { node(additional, .field, path.child("additionalProperties"), &errors) }
        for name in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"]
        where isIntOrString && schema[name].bool == true {
            errors.append(.invalid(path.child(name), true, "must be false if x-kubernetes-int-or-string is true"))
        }
        values(schema, path, &errors)
        if isEmbedded, type != "object" {
            let message = "must be object if x-kubernetes-embedded-resource is true"
            errors.append(type.isEmpty ? .required(path.child("type"), message) : .invalid(path.child("type"), .string(type), message))
        } else if type.isEmpty, !isIntOrString, !preserves {
            errors.append(.required(path.child("type"), level.rawValue))
        }
        if isEmbedded, !additional.isNull {
            errors.append(
                .forbidden(path.child("additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set"))
        }
        if level == .root, !type.isEmpty, type != "object" {
            errors.append(.invalid(path.child("type"), .string(type), "must be object at the root"))
        }
        if level == .root || isEmbedded { metadata(schema["properties"], level, path, &errors) }
        if isEmbedded, !preserves, schema["properties"].isEmpty {
            let message = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
            errors.append(.required(path.child("properties"), message))
        }
    }

    /// What every object has is not the definition's to say.
    private static func metadata(_ properties: Value, _ level: Level, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (name, type) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
            guard let schema = properties.fields[name], schema["type"].string != type else { continue }
            let field = path.child("properties").key(name).child("type")
            errors.append(.invalid(field, .string(schema["type"].string ?? ""), "must be \(type)"))
        }
        guard level == .root, var schema = properties.fields["metadata"] else { return }
        if schema["properties"].fields.keys.allSatisfy({ $0 == "name" || $0 == "generateName" }) { schema["properties"] = .null }
        for allowed in ["type", "default"] { schema[allowed] = .null }
        if !schema.isEmpty {
            let message = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            errors.append(.forbidden(path.child("properties").key("metadata"), message))
        }
    }

    // MARK: Rules about values

    private static let intOrString: Value = [["type": "integer"], ["type": "string"]]

    /// - Parameter isExempt: whether `anyOf` is the one that goes with `x-kubernetes-int-or-string`.
    private static func values(_ schema: Value, isExempt: Bool = false, _ path: FieldPath, _ errors: inout [FieldError]) {
        if !isExempt, schema["anyOf"] != intOrString { nested(schema["anyOf"], path.child("anyOf"), &errors) }
        for (index, part) in schema["allOf"].elements.enumerated() {
            let isExempt = index == 0 && part["anyOf"] == intOrString
            nested(part, isExempt: isExempt, path.child("allOf").index(index), &errors)
        }
        nested(schema["oneOf"], path.child("oneOf"), &errors)
        if !schema["not"].isNull { nested(schema["not"], isExempt: false, path.child("not"), &errors) }
    }

    private static func nested(_ list: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, part) in list.elements.enumerated() { nested(part, isExempt: false, path.index(index), &errors) }
    }

    /// What a rule about values may not say, and what is said of it.
    private static let structure: [(field: String, words: String)] = [
        ("type", "empty"), ("additionalProperties", "undefined"), ("default", "undefined"), ("title", "empty"), ("description", "empty"),
        ("nullable", "false"), ("x-kubernetes-preserve-unknown-fields", "false"), ("x-kubernetes-embedded-resource", "false"),
        ("x-kubernetes-int-or-string", "false"), ("x-kubernetes-list-map-keys", "empty"), ("x-kubernetes-list-type", "undefined"),
        ("x-kubernetes-map-type", "undefined"), ("x-kubernetes-validations", "empty"),
    ]

    private static func nested(_ schema: Value, isExempt: Bool, _ path: FieldPath, _ errors: inout [FieldError]) {
        values(schema, isExempt: isExempt, path, &errors)
        if case .object = schema["items"] { nested(schema["items"], isExempt: false, path.child("items"), &errors) }
        for (name, child) in schema["properties"].fields { nested(child, isExempt: false, path.child("properties").key(name), &errors) }
        for (field, words) in structure where !schema[field].isNull && (words == "undefined" || !schema[field].isEmpty) {
            errors.append(.forbidden(path.child(field), "must be \(words) to be structural"))
        }
        if !schema["properties"]["metadata"].isNull {
            let field = path.child("properties").key("metadata")
            errors.append(.forbidden(field, "must not be specified in a nested context"))
        }
    }

    /// Whatever a rule speaks of has its place in the structure.
    private static func complete(
        _ rule: Value, _ schema: Value, _ place: FieldPath, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        for list in ["allOf", "anyOf", "oneOf"] {
            for (index, part) in rule[list].elements.enumerated() {
                speaks(part, schema, place, path.child(list).index(index), &errors)
            }
        }
        if !rule["not"].isNull { speaks(rule["not"], schema, place, path.child("not"), &errors) }
    }

    private static func speaks(_ rule: Value, _ schema: Value, _ place: FieldPath, _ path: FieldPath, _ errors: inout [FieldError]) {
        complete(rule, schema, place, path, &errors)
        func follow(_ child: Value, _ own: Value, _ place: FieldPath, _ path: FieldPath) {
            if own.isNull {
                errors.append(.required(place, "because it is defined in \(path)"))
            } else {
                speaks(child, own, place, path, &errors)
            }
        }
        if !rule["items"].isNull { follow(rule["items"], schema["items"], place.child("items"), path.child("items")) }
        for (name, child) in rule["properties"].fields {
            follow(child, schema["properties"][name], place.child("properties").key(name), path.child("properties").key(name))
        }
    }
}
