internal import OrderedCollections

extension OpenAPISchemas {
    private static let objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    private static let listMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"

    /// Adds the type of a custom resource and that of its list, as its definition describes them. Says nothing of other resources.
    mutating func add(custom resource: ResourceType) {
        guard let custom = resource.custom, !resource.verbs.isEmpty else { return }
        let name = resource.schema.name
        var schema = published(custom)
        schema["x-kubernetes-group-version-kind"] = [OpenAPI.value(resource.groupVersionKind)]
        var list = resource.groupVersionKind
        list.kind += "List"
        set(name, schema)
        set(
            name + "List",
            [
                "type": "object", "required": ["items"],
                "properties": [
                    "apiVersion": common("apiVersion"), "kind": common("kind"), "metadata": metadata(Self.listMeta),
                    "items": ["type": "array", "items": form.reference(name)],
                ], "x-kubernetes-group-version-kind": [OpenAPI.value(list)],
            ])
    }

    private mutating func published(_ custom: CustomKind) -> Value {
        // Clients take properties that are told for all there are, so of a kind that may have any nothing is told.
        guard form == .v3 || !custom.schema.preservesUnknownFields else { return ["type": "object"] }
        var schema = embedding(form == .v2 ? Self.second(custom.published) : custom.published)
        addObjectFields(&schema)
        return schema
    }

    /// With the fields of objects wherever the schema says that there is one.
    private mutating func embedding(_ schema: Value) -> Value {
        guard case .object(var fields) = schema else { return schema }
        if case .object(var properties)? = fields["properties"] {
            for index in properties.elements.indices { properties.values[index] = embedding(properties.values[index]) }
            fields["properties"] = .object(properties)
        }
        for name in ["items", "additionalProperties"] { if let inner = fields[name] { fields[name] = embedding(inner) } }
        var schema = Value.object(fields)
        let isOpen = schema["x-kubernetes-preserve-unknown-fields"].bool == true
        guard schema["x-kubernetes-embedded-resource"].bool == true, form == .v3 || !isOpen else { return schema }
        addObjectFields(&schema)
        let required = schema["required"].elements
        schema["required"] = .array(required + ["kind", "apiVersion"].filter { !required.contains($0) })
        return schema
    }

    private mutating func addObjectFields(_ schema: inout Value) {
        schema["properties"]["apiVersion"] = common("apiVersion")
        schema["properties"]["kind"] = common("kind")
        schema["properties"]["metadata"] = metadata(Self.objectMeta)
    }

    private func common(_ field: String) -> Value {
        described(["type": "string"], Descriptions.all.field(field, of: "", isKind: true))
    }

    private mutating func metadata(_ type: String) -> Value {
        described(wrapped(reference(type)), Descriptions.all.field("metadata", of: "", isKind: true))
    }

    /// What OpenAPI 2.0 can say of a schema of 3.0: no alternatives, and nothing of what may be null or anything.
    private static func second(_ schema: Value) -> Value {
        guard case .object(var fields) = schema else { return schema }
        for name in ["allOf", "anyOf", "oneOf", "not", "default", "x-kubernetes-validations"] { fields.removeValue(forKey: name) }
        if fields["nullable"]?.bool == true || fields["x-kubernetes-preserve-unknown-fields"]?.bool == true {
            for name in ["nullable", "type", "properties", "items", "additionalProperties"] { fields.removeValue(forKey: name) }
            return .object(fields)
        }
        if let properties = fields["properties"] {
            fields["properties"] = .object(Value.Fields(properties.fields.map { ($0.key, second($0.value)) }, uniquingKeysWith: { $1 }))
        }
        for name in ["items", "additionalProperties"] { if let inner = fields[name] { fields[name] = second(inner) } }
        return .object(fields)
    }
}
