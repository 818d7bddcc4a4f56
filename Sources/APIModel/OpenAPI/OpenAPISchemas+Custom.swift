internal import OrderedCollections

extension OpenAPISchemas {
    private static let objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    private static let listMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"

    /// Adds the type of a custom resource and that of its list, as its definition describes them. Says nothing of other resources.
    mutating func add(custom resource: ResourceType) {
        guard let custom = resource.custom, !resource.verbs.isEmpty else { return }
        let name = resource.schema.name
        var schema = form == .v2 ? Self.second(custom.published) : custom.published
        schema["properties"]["apiVersion"] = ["type": "string"]
        schema["properties"]["kind"] = ["type": "string"]
        schema["properties"]["metadata"] = wrapped(reference(Self.objectMeta))
        schema["x-kubernetes-group-version-kind"] = [OpenAPI.value(resource.groupVersionKind)]
        var list = resource.groupVersionKind
        list.kind += "List"
        set(name, schema)
        set(
            name + "List",
            [
                "type": "object", "required": ["items"],
                "properties": [
                    "apiVersion": ["type": "string"], "kind": ["type": "string"], "metadata": wrapped(reference(Self.listMeta)),
                    "items": ["type": "array", "items": wrapped(form.reference(name))],
                ], "x-kubernetes-group-version-kind": [OpenAPI.value(list)],
            ])
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
