internal import OrderedCollections

/// What a CustomResourceDefinition says of one of its versions beyond names and verbs.
public struct CustomKind: Sendable {
    public var schema: CustomSchema
    /// The schema as the definition has it, for those who read OpenAPI.
    public var published: Value
    /// `crontabs.stable.example.com`
    public var definition: String
    /// The definition's generation: what is made of its schema is made anew with each.
    public var generation: Int64
    /// The version in which objects are stored.
    public var storageVersion: String
    /// Whether everything that is stored went through this very schema in this very version, so that it can be shown as it is.
    public var isStoredAsShown: Bool
    public var scale: ScalePaths?
    /// `spec.conversion.webhook`, where versions differ in more than their name.
    public var webhook: Value?
    /// Told to everybody who uses a deprecated version.
    public var warning: String?

    /// What is wrong with an object of the kind, but for its metadata.
    func validate(_ object: Value, old: Value? = nil) -> [FieldError] {
        let counts = [scale?.specReplicas, scale?.statusReplicas].compactMap { $0 }
        return schema.validate(object, old: old)
            + counts.compactMap { path in
                guard let count = path.reduce(object, { $0[$1] }).int else { return nil }
                let field = FieldPath(".\(path.joined(separator: "."))")
                if count < 0 { return .invalid(field, .int(count), "should be a non-negative integer") }
                let most = Whole(Int64(Int32.max))
                return count > most ? .invalid(field, .int(count), "should be less than or equal to \(most)") : nil
            }
    }

    /// Where the replicas of a custom kind stand: JSON paths without the leading point.
    public struct ScalePaths: Sendable {
        public var specReplicas: [String]
        public var statusReplicas: [String]
        public var labelSelector: [String]?
    }
}

extension ResourceType {
    /// The resources of a definition: every version that is served, and the one that is stored even where it is not.
    ///
    /// - Parameter definition: an accepted CustomResourceDefinition, already of that type.
    /// - Throws: what `patterns` throws.
    public static func custom(_ definition: Value, patterns: CustomSchema.PatternCompiler) throws -> [ResourceType] {
        let (spec, names) = (definition["spec"], definition[path: "status", "acceptedNames"])
        let group = spec["group"].string ?? ""
        let versions = spec["versions"].elements
        guard let storage = versions.first(where: { $0["storage"].bool == true })?["name"].string else { return [] }
        let isFirstForm =
            versions.count == 1 && (definition[path: "metadata", "generation"].int ?? 1) <= 1
            && definition[path: "status", "storedVersions"].elements.count <= 1
        return try versions.filter { $0["served"].bool == true || $0["name"].string == storage }.map { version in
            let name = version["name"].string ?? ""
            let published = version[path: "schema", "openAPIV3Schema"]
            let schema = try CustomSchema(published, patterns: patterns)
            let kind = GroupVersionKind(group: group, version: name, kind: names["kind"].string ?? "")
            let type = schema.type(named: typeName(kind))
            let isServed = version["served"].bool == true
            var resource = ResourceType(
                group: group, version: name, name: names["plural"].string ?? "", singularName: names["singular"].string ?? "",
                kind: kind.kind, isNamespaced: spec["scope"].string == "Namespaced",
                verbs: isServed ? ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"] : [],
                shortNames: names["shortNames"].elements.compactMap(\.string),
                categories: names["categories"].elements.compactMap(\.string), storageVersionHash: nil,
                subresources: subresources(version["subresources"], kind), columns: columns(version["additionalPrinterColumns"]),
                schema: TypeReference(name: type.name) { _ in type })
            let selectable = version["selectableFields"].elements.compactMap { $0["jsonPath"].string }.map { String($0.drop { $0 == "." }) }
            if !selectable.isEmpty {
                resource.selectableFields = (["metadata.name", "metadata.namespace"] + selectable).map {
                    SelectableField(name: $0, path: ValuePath($0))
                }
            }
            resource.custom = CustomKind(
                schema: schema, published: published, definition: definition[path: "metadata", "name"].string ?? "",
                generation: (definition[path: "metadata", "generation"].int ?? 0).int64,
                storageVersion: storage, isStoredAsShown: isFirstForm, scale: scale(version[path: "subresources", "scale"]),
                webhook: spec[path: "conversion", "strategy"].string == "Webhook" ? spec[path: "conversion", "webhook"] : nil,
                warning: warning(version, kind))
            return resource
        }
    }

    /// `com.example.stable.v1.CronTab`: how OpenAPI names the type.
    private static func typeName(_ kind: GroupVersionKind) -> String {
        (kind.group.split(separator: ".").reversed() + [Substring(kind.version), Substring(kind.kind)]).joined(separator: ".")
    }

    private static func subresources(_ given: Value, _ kind: GroupVersionKind) -> [Subresource] {
        var subresources: [Subresource] = []
        let verbs = ["get", "patch", "update"]
        if !given["status"].isNull { subresources.append(Subresource(name: "status", kind: kind, verbs: verbs)) }
        if !given["scale"].isNull {
            subresources.append(
                Subresource(name: "scale", kind: GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale"), verbs: verbs))
        }
        return subresources
    }

    private static func scale(_ given: Value) -> CustomKind.ScalePaths? {
        func path(_ name: String) -> [String]? {
            given[name].string.flatMap { $0.isEmpty ? nil : $0.split(separator: ".").map(String.init) }
        }
        guard let spec = path("specReplicasPath"), let status = path("statusReplicasPath") else { return nil }
        return CustomKind.ScalePaths(specReplicas: spec, statusReplicas: status, labelSelector: path("labelSelectorPath"))
    }

    private static func columns(_ given: Value) -> [PrintColumn] {
        let name = PrintColumn(
            name: "Name", type: "string", format: "name", description: Self.nameDescription, priority: 0, jsonPath: nil)
        guard !given.isEmpty else {
            return [
                name,
                PrintColumn(
                    name: "Age", type: "date", format: "", description: "when the object was made", priority: 0,
                    jsonPath: ".metadata.creationTimestamp"),
            ]
        }
        return [name]
            + given.elements.map { column in
                PrintColumn(
                    name: column["name"].string ?? "", type: column["type"].string ?? "", format: column["format"].string ?? "",
                    description: column["description"].string ?? "", priority: Int(column["priority"].int ?? 0),
                    jsonPath: column["jsonPath"].string)
            }
    }

    private static let nameDescription = "The name, which no other object of the kind in the namespace has."

    private static func warning(_ version: Value, _ kind: GroupVersionKind) -> String? {
        guard version["deprecated"].bool == true else { return nil }
        return version["deprecationWarning"].string ?? "\(kind.groupVersion) \(kind.kind) is deprecated"
    }
}
