internal import OrderedCollections

/// What an object of a kind has before anything is written to it: the fields that are always there, because they are required or because
/// the type holds them by value. They are nobody's merit, so whoever creates an object does not own them.
enum ZeroObject {
    /// Nothing, for custom kinds.
    static func of(_ schema: TypeSchema) -> Value {
        guard schema.custom == nil else { return .emptyObject }
        var fields: Value.Fields = [:]
        for field in schema.fields where !field.isOptional {
            switch field.type {
            case .object(let reference): fields[field.name] = reference.schema.merging.zero
            default: if field.isWritten { fields[field.name] = zero(field.type) }
            }
        }
        return .object(fields)
    }

    static func zero(_ type: FieldType) -> Value {
        switch type {
        case .string: ""
        case .boolean: false
        case .int32, .int64: 0
        case .double: .double(0)
        case .quantity: "0"
        case .intOrString: 0
        default: .null
        }
    }
}
