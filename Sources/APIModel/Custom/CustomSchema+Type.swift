internal import OrderedCollections

extension CustomSchema {
    /// The type of the kind's objects, as merging and apply see it: fields, list types and keys.
    func type(named name: String) -> TypeSchema {
        var fields = [FieldSchema(name: "apiVersion", type: .string), FieldSchema(name: "kind", type: .string)]
        fields.append(
            FieldSchema(
                name: "metadata",
                type: .object(
                    TypeReference(name: ObjectFields.metadataType) { Catalogue.builtin.type(named: $0) })))
        for (field, schema) in properties where !ObjectFields.names.contains(field) {
            fields.append(schema.field(field, isRequired: required.contains(field), in: name))
        }
        return TypeSchema(name: name, fields: fields, custom: self)
    }

    private func field(_ name: String, isRequired: Bool, in owner: String) -> FieldSchema {
        var field = FieldSchema(name: name, type: fieldType("\(owner).\(name)"))
        field.isRequired = isRequired
        field.isOptional = true
        field.listType = listType
        field.listMapKeys = listMapKeys
        field.isAtomicMap = isAtomicMap || (items?.isAtomicMap ?? false)
        return field
    }

    private func fieldType(_ path: String) -> FieldType {
        if isIntOrString { return .intOrString }
        switch kind {
        case .string: return .string
        case .boolean: return .boolean
        case .integer: return .int64
        case .number: return .double
        case .array: return .array(items?.fieldType(path + ".items") ?? .any(name: path))
        case .any: return .any(name: path)
        case .object:
            if isEmbeddedResource {
                let inner = type(named: path)
                return .object(TypeReference(name: path) { _ in inner })
            }
            if let additional { return .map(additional.fieldType(path + ".*")) }
            guard !properties.isEmpty else { return .any(name: path) }
            let inner = TypeSchema(
                name: path,
                fields: properties.map { $0.value.field($0.key, isRequired: required.contains($0.key), in: path) }, custom: self)
            return .object(TypeReference(name: path) { _ in inner })
        }
    }
}
