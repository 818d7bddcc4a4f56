internal import OrderedCollections

/// Fills in what an object leaves open, as upstream's versioned defaults do.
///
/// A default belongs to a type, not to a kind: one walk along the schema sets what the table says for each type met, then runs the type's
/// rule where it has one.
public enum Defaulting {
    /// Idempotent. What needs more than the object itself (a cluster IP, the default storage class, the default service account) is the API
    /// server's to add.
    public static func apply(_ object: inout Value, resource: ResourceType) {
        let schema = resource.schema.schema
        if let custom = schema.custom {
            custom.fill(&object)
            return
        }
        for name in ["metadata", "spec", "status"] where object[name].isNull {
            // Upstream's Go structures always write these.
            if case .object? = schema.field(name)?.type { object[name] = .emptyObject }
        }
        apply(&object, schema: schema)
    }

    /// The same for any value of a type of the catalogue.
    public static func apply(_ value: inout Value, schema: TypeSchema) {
        guard case .object(var fields) = value else { return }
        value = .null
        for index in schema.defaulted {
            let field = schema.fields[index]
            if let fallback = field.fallback, fallback.applies(to: fields[field.name]) { fields[field.name] = fallback.value }
        }
        value = .object(fields)
        schema.rules.fill?(&value)

        guard case .object(var fields) = value else { return }
        value = .null
        for index in fields.elements.indices {
            guard let field = schema.field(fields.elements[index].key), field.type.holdsObjects else { continue }
            descend(&fields.values[index], field.type)
        }
        value = .object(fields)
        schema.rules.fillAfterwards?(&value)
    }

    private static func descend(_ value: inout Value, _ type: FieldType) {
        switch type {
        case .object(let reference): apply(&value, schema: reference.schema)
        case .array(let element):
            guard case .array(var elements) = value else { return }
            value = .null
            for index in elements.indices { descend(&elements[index], element) }
            value = .array(elements)
        case .map(let element):
            guard case .object(var fields) = value else { return }
            value = .null
            for index in fields.elements.indices { descend(&fields.values[index], element) }
            value = .object(fields)
        default: break
        }
    }
}

extension FieldType {
    /// Whether there can be an object with a schema in it.
    var holdsObjects: Bool {
        switch self {
        case .object: true
        case .array(let element), .map(let element): element.holdsObjects
        default: false
        }
    }
}
