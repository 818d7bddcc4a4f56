internal import OrderedCollections

/// What a CustomResourceDefinition must be.
///
/// Upstream keeps what all versions have in common once, beside the versions, and tells of it by the path that it has there.
public enum DefinitionRules {
    /// The schemas of a definition and the paths that they are told of by.
    public static func schemas(of definition: Value) -> [(schema: Value, path: FieldPath)] {
        let versions = definition["spec"]["versions"].elements
        let schemas = versions.map { $0["schema"]["openAPIV3Schema"] }
        if let first = schemas.first, !first.isNull, schemas.allSatisfy({ $0 == first }) {
            return [(first, FieldPath("spec.validation.openAPIV3Schema"))]
        }
        return schemas.enumerated().filter { !$1.isNull }.map { index, schema in
            (schema, FieldPath("spec.versions").index(index).child("schema", "openAPIV3Schema"))
        }
    }

    static func check(_ definition: Value, _ errors: inout [FieldError]) {
        let spec = definition["spec"]
        let required = "\(spec["names"]["plural"].string ?? "").\(spec["group"].string ?? "")"
        if definition["metadata"]["name"].string != required {
            errors.append(.invalid("metadata.name", definition["metadata"]["name"], "must be spec.names.plural+\".\"+spec.group"))
        }
        if let group = spec["group"].string, !group.isEmpty, Names.dnsSubdomain(group).isEmpty, !group.contains(".") {
            errors.append(.invalid("spec.group", .string(group), "should be a domain with at least one dot"))
        }
        names(spec["names"], &errors)
        if spec["preserveUnknownFields"].bool == true {
            let instead = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
            errors.append(.invalid("spec.preserveUnknownFields", true, "cannot set to true, \(instead)"))
        }
        versions(definition, &errors)
        for (schema, path) in schemas(of: definition) { errors += StructuralRules.validate(schema, path) }
        common("subresources", of: spec, &errors) { subresources, path, errors in scale(subresources["scale"], path.child("scale"), &errors)
        }
        common("additionalPrinterColumns", of: spec, &errors) { columns, path, errors in
            for (index, entry) in columns.elements.enumerated() { column(entry, path.index(index), &errors) }
        }
        for (index, version) in spec["versions"].elements.enumerated() {
            let isShared = isCommon("selectableFields", spec)
            if isShared, index > 0 { break }
            let path = isShared ? FieldPath("spec.selectableFields") : FieldPath("spec.versions").index(index).child("selectableFields")
            selectable(version["selectableFields"].elements, version["schema"]["openAPIV3Schema"], path, &errors)
        }
    }

    private static func isCommon(_ field: String, _ spec: Value) -> Bool {
        let versions = spec["versions"].elements
        return versions.allSatisfy { $0[field] == versions[0][field] }
    }

    /// Judges what stands in all versions once, and otherwise what each has.
    private static func common(
        _ field: String, of spec: Value, _ errors: inout [FieldError], _ judge: (Value, FieldPath, inout [FieldError]) -> Void
    ) {
        let versions = spec["versions"].elements
        if isCommon(field, spec) {
            if let first = versions.first { judge(first[field], FieldPath("spec").child(field), &errors) }
            return
        }
        for (index, version) in versions.enumerated() {
            judge(version[field], FieldPath("spec.versions").index(index).child(field), &errors)
        }
    }

    private static func names(_ names: Value, _ errors: inout [FieldError]) {
        for field in ["kind", "listKind"] {
            guard let name = names[field].string, !name.isEmpty else { continue }
            let problems = Names.dns1035Label(name.lowercased())
            if !problems.isEmpty {
                let message = "may have mixed case, but should otherwise match: \(problems.joined(separator: ","))"
                errors.append(.invalid(FieldPath("spec.names").child(field), .string(name), message))
            }
        }
        if !names["kind"].isEmpty, names["kind"] == names["listKind"] {
            errors.append(.invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same"))
        }
    }

    // MARK: Versions

    private static let noVersion: GoStructure.Zero = [
        "name": "", "served": false, "storage": false, "deprecated": false, "deprecationWarning": .null, "schema": .null,
        "subresources": .null, "additionalPrinterColumns": .null, "selectableFields": .null,
    ]

    private static func versions(_ definition: Value, _ errors: inout [FieldError]) {
        let spec = definition["spec"]
        let (versions, path): ([Value], FieldPath) = (spec["versions"].elements, "spec.versions")
        func refuse(_ message: String) {
            let shared = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"].filter { isCommon($0, spec) }
            let shown = versions.map { version in
                var version = version
                for field in shared { version[field] = .null }
                return GoStructure.show(version, zero: noVersion)
            }
            errors.append(.invalid(path, .array(shown), message))
        }
        for (index, version) in versions.enumerated() {
            let (field, name) = (path.index(index), version["name"].string ?? "")
            let problems = Names.dns1035Label(name)
            if !problems.isEmpty {
                for place in index == 0 ? [field.child("name"), "spec.version"] : [field.child("name")] {
                    errors.append(.invalid(place, .string(name), problems.joined(separator: ",")))
                }
            }
            if version["schema"]["openAPIV3Schema"].isNull { errors.append(.required(field.child("schema", "openAPIV3Schema"))) }
            deprecation(version, field.child("deprecationWarning"), &errors)
        }
        if Set(versions.map { $0["name"] }).count < versions.count { refuse("must contain unique version names") }
        let stored = definition["status"]["storedVersions"].elements
        let storage = versions.filter { $0["storage"].bool == true }
        if storage.count != 1 { refuse("must have exactly one version marked as storage version") }
        if storage.isEmpty, stored.isEmpty {
            errors.append(.invalid("status.storedVersions", .null, "must have at least one stored version"))
        }
        for (index, name) in stored.enumerated() where !versions.contains(where: { $0["name"] == name }) {
            let text = name.string ?? ""
            let message =
                "missing from spec.versions; \(text) was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in \(text) and removes \(text) from status.storedVersions"
            errors.append(.invalid(FieldPath("status.storedVersions").index(index), name, message))
        }
    }

    private static func deprecation(_ version: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let warning = version["deprecationWarning"].string else { return }
        func refuse(_ message: String) { errors.append(.invalid(path, .string(warning), message)) }
        guard version["deprecated"].bool == true else { return refuse("can only be set for deprecated versions") }
        if warning.utf8.count > 256 { refuse("must be <= 256 characters long") }
        if warning.isEmpty { refuse("must not be an empty string") }
        var offset = 0
        for scalar in warning.unicodeScalars {
            if scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) {
                refuse("must only contain printable UTF-8 characters; non-printable character found at index \(offset)")
                break
            }
            offset += UTF8.width(scalar)
        }
    }

    // MARK: What versions have

    private static func simplePath(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) -> Bool {
        if text.isEmpty {
            errors.append(.required(path))
        } else if !text.hasPrefix(".") {
            errors.append(.invalid(path, .string(text), "must be a simple json path starting with ."))
        }
        return text.hasPrefix(".")
    }

    private static func scale(_ scale: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !scale.isNull else { return }
        for (name, root) in [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")] {
            let (text, field) = (scale[name].string ?? "", path.child(name))
            if simplePath(text, field, &errors), !text.hasPrefix(root + ".") {
                errors.append(.invalid(field, .string(text), "should be a json path under \(root)"))
            }
        }
        guard let text = scale["labelSelectorPath"].string, !text.isEmpty else { return }
        let field = path.child("labelSelectorPath")
        if simplePath(text, field, &errors), !text.hasPrefix(".spec."), !text.hasPrefix(".status.") {
            errors.append(.invalid(field, .string(text), "should be a json path under either .spec or .status"))
        }
    }

    private static let columnTypes = ["boolean", "date", "integer", "number", "string"]
    private static let columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"]

    private static func column(_ column: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        if column["name"].isEmpty { errors.append(.required(path.child("name"))) }
        let (type, message) = (column["type"].string ?? "", "must be one of \(columnTypes.joined(separator: ","))")
        if type.isEmpty {
            errors.append(.required(path.child("type"), message))
        } else if !columnTypes.contains(type) {
            errors.append(.invalid(path.child("type"), .string(type), message))
        }
        if let format = column["format"].string, !format.isEmpty, !columnFormats.contains(format) {
            errors.append(.invalid(path.child("format"), .string(format), "must be one of \(columnFormats.joined(separator: ","))"))
        }
        _ = simplePath(column["jsonPath"].string ?? "", path.child("JSONPath"), &errors)
    }

    private static let mostSelectable = 8

    private static func selectable(_ fields: [Value], _ schema: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        var seen: Set<String> = []
        for (index, entry) in fields.enumerated() {
            let (text, field) = (entry["jsonPath"].string ?? "", path.index(index).child("jsonPath"))
            guard !text.isEmpty else {
                errors.append(.required(field))
                continue
            }
            func refuse(_ message: String) { errors.append(.invalid(field, .string(text), message)) }
            var place = schema
            do throws(PathProblem) {
                for name in try steps(text) {
                    place = place["properties"].isEmpty ? place["additionalProperties"] : place["properties"][name]
                    if place.isNull { throw PathProblem(text: "does not refer to a valid field") }
                }
            } catch {
                refuse("is an invalid path: \(error.text)")
                continue
            }
            if text.hasPrefix(".metadata") { refuse("must not point to fields in metadata") }
            if !["string", "boolean", "integer"].contains(place["type"].string) {
                refuse(
                    "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.")
            }
            if !seen.insert(text).inserted { errors.append(.duplicate(field, .string(text))) }
        }
        if seen.count > mostSelectable { errors.append(.tooMany(path, count: seen.count, limit: mostSelectable)) }
    }

    private struct PathProblem: Error { var text: String }

    /// The names in `.spec.color`.
    private static func steps(_ text: String) throws(PathProblem) -> [String] {
        guard text.hasPrefix(".") || text.hasPrefix("[") else {
            throw PathProblem(text: "expected [ or . but got: \(text.prefix { $0 != "." && $0 != "[" && $0 != "]" })")
        }
        if text.contains("[") { throw PathProblem(text: "array notation is not allowed") }
        let names = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if names.contains("") { throw PathProblem(text: "unexpected end of JSON path") }
        return names
    }
}
