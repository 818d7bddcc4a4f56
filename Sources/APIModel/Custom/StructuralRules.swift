internal import OrderedCollections

/// Whether the schema of a definition is structural: every value has a type, what is taken out and filled in can be told without looking
/// at values, and rules about values say nothing else.
enum StructuralRules {
    static func validate(_ schema: Value, _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        switch schema["type"].string ?? "" {
        case "": errors.append(.required(path.child("type"), "must not be empty at the root"))
        case "object": break
        default: errors.append(.invalid(path.child("type"), schema["type"], "must be object at the root"))
        }
        if schema["nullable"].bool == true { errors.append(.forbidden(path.child("nullable"), "nullable cannot be true at the root")) }
        node(schema, path, isRoot: true, &errors)
        return errors
    }

    private static func node(_ schema: Value, _ path: FieldPath, isRoot: Bool = false, _ errors: inout [FieldError]) {
        let type = schema["type"].string ?? ""
        let preserves = schema["x-kubernetes-preserve-unknown-fields"].bool == true
        let isIntOrString = schema["x-kubernetes-int-or-string"].bool == true
        if isIntOrString, !type.isEmpty {
            errors.append(.forbidden(path.child("type"), "must be empty if x-kubernetes-int-or-string is true"))
        }
        if schema["x-kubernetes-preserve-unknown-fields"].bool == false {
            errors.append(.invalid(path.child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined"))
        }
        if schema["x-kubernetes-embedded-resource"].bool == true, !isRoot {
            if type != "object" {
                errors.append(.invalid(path.child("type"), .string(type), "must be object if x-kubernetes-embedded-resource is true"))
            }
            if !preserves, schema["properties"].isEmpty {
                errors.append(
                    .required(
                        path.child("properties"),
                        "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"))
            }
        }
        lists(schema, type, path, &errors)
        for (name, child) in schema["properties"].fields {
            let place = path.child("properties").key(name)
            typed(child, place, "must not be empty for specified object fields", &errors)
            node(child, place, &errors)
        }
        if isRoot, !schema["properties"]["metadata"].isNull { metadata(schema["properties"]["metadata"], path, &errors) }
        switch schema["additionalProperties"] {
        case .object:
            if !schema["properties"].isEmpty {
                errors.append(.forbidden(path.child("additionalProperties"), "must not be used together with properties"))
            }
            if isRoot { errors.append(.forbidden(path.child("additionalProperties"), "must not be used at the root")) }
            let place = path.child("additionalProperties")
            typed(schema["additionalProperties"], place, "must not be empty for specified object fields", &errors)
            node(schema["additionalProperties"], place, &errors)
        case .bool(false): errors.append(.forbidden(path.child("additionalProperties"), "must not be false"))
        default: break
        }
        switch schema["items"] {
        case .object:
            typed(schema["items"], path.child("items"), "must not be empty for specified array items", &errors)
            node(schema["items"], path.child("items"), &errors)
        case .array: errors.append(.forbidden(path.child("items"), "items must be a schema object and not an array"))
        default:
            if type == "array" { errors.append(.required(path.child("items"), "must be specified")) }
        }
        for name in forbidden where !schema[name].isEmpty {
            errors.append(.forbidden(path.child(name), "\(name) is not supported"))
        }
        if schema["uniqueItems"].bool == true {
            errors.append(
                .forbidden(path.child("uniqueItems"), "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"))
        }
        for name in ["allOf", "anyOf", "oneOf"] {
            for (index, part) in schema[name].elements.enumerated() { rule(part, path.child(name).index(index), &errors) }
        }
        if !schema["not"].isNull { rule(schema["not"], path.child("not"), &errors) }
    }

    private static let forbidden = ["definitions", "dependencies", "patternProperties", "additionalItems", "id", "$ref", "$schema"]

    private static func typed(_ schema: Value, _ path: FieldPath, _ why: String, _ errors: inout [FieldError]) {
        guard (schema["type"].string ?? "").isEmpty, schema["x-kubernetes-int-or-string"].bool != true,
            schema["x-kubernetes-preserve-unknown-fields"].bool != true
        else { return }
        errors.append(.required(path.child("type"), why))
    }

    /// A rule about values may not say what is taken out, filled in or shown.
    private static func rule(_ schema: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for name in [
            "type", "title", "description", "default", "nullable", "additionalProperties", "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-embedded-resource", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
        ] where !schema[name].isEmpty {
            // The three parts of the form that int-or-string is written in may name types.
            if name == "type", ["integer", "string"].contains(schema["type"].string) { continue }
            errors.append(.forbidden(path.child(name), "must be empty to be structural"))
        }
        for (name, child) in schema["properties"].fields { rule(child, path.child("properties").key(name), &errors) }
        if case .object = schema["items"] { rule(schema["items"], path.child("items"), &errors) }
        for name in ["allOf", "anyOf", "oneOf"] {
            for (index, part) in schema[name].elements.enumerated() { rule(part, path.child(name).index(index), &errors) }
        }
        if !schema["not"].isNull { rule(schema["not"], path.child("not"), &errors) }
    }

    private static func metadata(_ schema: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let place = path.child("properties").key("metadata")
        if let type = schema["type"].string, type != "object" {
            errors.append(.invalid(place.child("type"), .string(type), "must be object"))
        }
        for name in schema["properties"].fields.keys where name != "name" && name != "generateName" {
            errors.append(
                .forbidden(
                    place, "must not specify anything other than name and generateName, but metadata is implicitly specified"))
            return
        }
    }

    private static func lists(_ schema: Value, _ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let list = schema["x-kubernetes-list-type"].string
        if let list {
            if type != "array" {
                errors.append(.invalid(path.child("type"), .string(type), "must be array if x-kubernetes-list-type is \(list)"))
            }
            if !["atomic", "set", "map"].contains(list) {
                errors.append(.notSupported(path.child("x-kubernetes-list-type"), .string(list), ["atomic", "set", "map"]))
            }
        }
        let keys = schema["x-kubernetes-list-map-keys"].elements
        if list == "map", keys.isEmpty {
            errors.append(.required(path.child("x-kubernetes-list-map-keys"), "must not be empty if x-kubernetes-list-type is map"))
        }
        if list != "map", !keys.isEmpty {
            errors.append(.forbidden(path.child("x-kubernetes-list-map-keys"), "must be empty if x-kubernetes-list-type is not map"))
        }
        if list == "map" {
            let items = schema["items"]
            for key in keys.compactMap(\.string) where items["properties"][key].isNull {
                errors.append(
                    .invalid(path.child("x-kubernetes-list-map-keys"), .string(key), "entries must all be names of item properties"))
            }
        }
        if let map = schema["x-kubernetes-map-type"].string, !["atomic", "granular"].contains(map) {
            errors.append(.notSupported(path.child("x-kubernetes-map-type"), .string(map), ["atomic", "granular"]))
        }
    }
}
