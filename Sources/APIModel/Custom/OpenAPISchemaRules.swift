internal import OrderedCollections

/// Which keywords a definition's schema may use, and which go together. Upstream: `ValidateCustomResourceDefinitionOpenAPISchema`.
enum OpenAPISchemaRules {
    private static let types = ["array", "boolean", "integer", "number", "object", "string"]
    private static let unsupported = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref", "$schema"]
    private static let parts = ["allOf", "oneOf", "anyOf"]

    /// Whether there is a keyword of which nothing structural can be told.
    static func hasUnsupported(_ schema: Value) -> Bool {
        guard case .object(let fields) = schema else { return false }
        if unsupported.contains(where: { !schema[$0].isNull }) { return true }
        if case .array = schema["items"] { return true }
        return ["items", "additionalProperties", "not"].contains { hasUnsupported(fields[$0] ?? .null) }
            || schema["properties"].fields.values.contains(where: hasUnsupported)
            || parts.contains { schema[$0].elements.contains(where: hasUnsupported) }
    }

    /// - Parameter noDefaults: why there may be no default here, `nil` where there may be.
    static func check(
        _ schema: Value, _ path: FieldPath, isRoot: Bool = false, noDefaults: String? = nil, _ errors: inout [FieldError]
    ) {
        guard case .object = schema else { return }
        let type = schema["type"].string ?? ""
        if !type.isEmpty, !types.contains(type) { errors.append(.notSupported(path.child("type"), .string(type), types)) }
        if type == "null" {
            errors.append(.forbidden(path.child("type"), "type cannot be set to null, use nullable as an alternative"))
        }
        if let noDefaults, !schema["default"].isNull { errors.append(.forbidden(path.child("default"), "must not be set \(noDefaults)")) }
        for name in unsupported where !schema[name].isEmpty { errors.append(.forbidden(path.child(name), "\(name) is not supported")) }
        if case .array = schema["items"] {
            errors.append(.forbidden(path.child("items"), "items must be a schema object and not an array"))
        }
        if schema["uniqueItems"].bool == true {
            let message = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
            errors.append(.forbidden(path.child("uniqueItems"), message))
        }
        let additional = schema["additionalProperties"]
        if !schema["properties"].isEmpty, !additional.isNull, additional.bool != true {
            errors.append(.forbidden(path.child("additionalProperties"), "additionalProperties and properties are mutual exclusive"))
        }
        if schema["x-kubernetes-preserve-unknown-fields"].bool == false {
            errors.append(.invalid(path.child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined"))
        }
        mapType(schema, type, path, &errors)
        listType(schema, type, path, &errors)
        rules(schema["x-kubernetes-validations"].elements, path.child("x-kubernetes-validations"), &errors)
        descend(schema, path, isRoot: isRoot, noDefaults, &errors)
    }

    private static func descend(
        _ schema: Value, _ path: FieldPath, isRoot: Bool, _ noDefaults: String?, _ errors: inout [FieldError]
    ) {
        check(schema["additionalProperties"], path.child("additionalProperties"), noDefaults: noDefaults, &errors)
        for (name, child) in schema["properties"].fields {
            let isMetadata = isRoot && ["metadata", "kind", "apiVersion"].contains(name)
            let why = isMetadata ? "in top-level \(name)" : noDefaults
            check(child, path.child("properties").key(name), noDefaults: why, &errors)
        }
        check(schema["not"], path.child("not"), noDefaults: noDefaults, &errors)
        for list in parts {
            for (index, part) in schema[list].elements.enumerated() {
                check(part, path.child(list).index(index), noDefaults: noDefaults, &errors)
            }
        }
        check(schema["items"], path.child("items"), noDefaults: noDefaults, &errors)
    }

    private static func wrongType(_ type: String, _ path: FieldPath, _ message: String) -> FieldError {
        type.isEmpty ? .required(path.child("type"), message) : .invalid(path.child("type"), .string(type), message)
    }

    private static func mapType(_ schema: Value, _ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let map = schema["x-kubernetes-map-type"].string else { return }
        if type != "object" { errors.append(wrongType(type, path, "must be object if x-kubernetes-map-type is specified")) }
        if !["atomic", "granular"].contains(map) {
            errors.append(.notSupported(path.child("x-kubernetes-map-type"), .string(map), ["atomic", "granular"]))
        }
    }

    private static func listType(_ schema: Value, _ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (keys, field) = (schema["x-kubernetes-list-map-keys"].elements, path.child("x-kubernetes-list-type"))
        guard let list = schema["x-kubernetes-list-type"].string else {
            if !keys.isEmpty { errors.append(.required(field, "must be map if x-kubernetes-list-map-keys is non-empty")) }
            return
        }
        let (items, place) = (schema["items"], path.child("items"))
        if type != "array" {
            errors.append(wrongType(type, path, "must be array if x-kubernetes-list-type is specified"))
        } else if list == "set" {
            let message = "must be atomic as item of a list with x-kubernetes-list-type=set"
            for (inner, name) in [("array", "x-kubernetes-list-type"), ("object", "x-kubernetes-map-type")]
            where items["type"].string == inner {
                let given = items[name].string
                if given != "atomic", given != nil || inner == "object" {
                    errors.append(.invalid(place.child(name), items["x-kubernetes-list-type"], message))
                }
            }
        }
        if !["atomic", "set", "map"].contains(list) { errors.append(.notSupported(field, .string(list), ["atomic", "set", "map"])) }
        if !keys.isEmpty, list != "map" {
            errors.append(.invalid(field, .string(list), "must be map if x-kubernetes-list-map-keys is non-empty"))
        }
        if list == "map" || list == "set", items["nullable"].bool == true {
            errors.append(.forbidden(place.child("nullable"), "cannot be nullable when x-kubernetes-list-type is \(list)"))
        }
        if list == "map" { listMap(schema, keys.compactMap(\.string), path, &errors) }
    }

    private static func listMap(_ schema: Value, _ keys: [String], _ path: FieldPath, _ errors: inout [FieldError]) {
        let (items, place, field) = (schema["items"], path.child("items"), path.child("x-kubernetes-list-map-keys"))
        if keys.isEmpty { errors.append(.required(field, "must not be empty if x-kubernetes-list-type is map")) }
        guard !items.isNull else {
            errors.append(.required(place, "must have a schema if x-kubernetes-list-type is map"))
            return
        }
        guard items["type"].string == "object" else {
            let type = Value.string(items["type"].string ?? "")
            errors.append(.invalid(place.child("type"), type, "must be object if parent array's x-kubernetes-list-type is map"))
            return
        }
        let required = items["required"].elements
        for (index, key) in keys.enumerated() {
            let (own, child) = (items["properties"][key], place.child("properties").key(key))
            if own.isNull {
                errors.append(.invalid(field, schema["x-kubernetes-list-map-keys"], "entries must all be names of item properties"))
            } else {
                if ["array", "object"].contains(own["type"].string) {
                    let message = "must be a scalar type if parent array's x-kubernetes-list-type is map"
                    errors.append(.invalid(child.child("type"), items["type"], message))
                }
                let words = "this property is in x-kubernetes-list-map-keys, so it"
                if !required.contains(.string(key)), own["default"].isNull {
                    errors.append(.required(child.child("default"), "\(words) must have a default or be a required property"))
                }
                if own["nullable"].bool == true { errors.append(.forbidden(child.child("nullable"), "\(words) cannot be nullable")) }
            }
            if keys[..<index].contains(key) {
                errors.append(.invalid(field, schema["x-kubernetes-list-map-keys"], "must not contain duplicate entries"))
            }
        }
    }

    private static let reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"]

    /// The form of rules; what their expressions say is judged where they are compiled.
    private static func rules(_ rules: [Value], _ path: FieldPath, _ errors: inout [FieldError]) {
        func breaks(_ text: String) -> Bool { text.utf8.contains { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } }
        for (index, rule) in rules.enumerated() {
            let field = path.index(index)
            let (text, message) = (rule["rule"].string ?? "", rule["message"].string ?? "")
            if text.trimmed.isEmpty {
                errors.append(.required(field.child("rule"), "rule is not specified"))
            } else if !message.isEmpty, message.trimmed.isEmpty {
                errors.append(.invalid(field.child("message"), .string(message), "must be non-empty if specified"))
            } else if breaks(message.trimmed) {
                errors.append(.invalid(field.child("message"), .string(message), "must not contain line breaks"))
            } else if breaks(text.trimmed), message.isEmpty {
                errors.append(.required(field.child("message"), "message must be specified if rule contains line breaks"))
            }
            if let expression = rule["messageExpression"].string, !expression.isEmpty, expression.trimmed.isEmpty {
                errors.append(.required(field.child("messageExpression"), "messageExpression must be non-empty if specified"))
            }
            if let reason = rule["reason"].string, !reasons.contains(reason) {
                errors.append(.notSupported(field.child("reason"), .string(reason), reasons))
            }
            guard let target = rule["fieldPath"].string, !target.isEmpty else { continue }
            if target.trimmed.isEmpty {
                errors.append(.invalid(field.child("fieldPath"), .string(target), "must be non-empty if specified"))
            }
            if breaks(target) { errors.append(.invalid(field.child("fieldPath"), .string(target), "must not contain line breaks")) }
        }
    }
}
