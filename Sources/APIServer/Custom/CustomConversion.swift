import APIModel

/// Custom objects of a definition without a webhook: versions differ in name alone, and each shows what its own schema has.
struct CustomConversion: Conversion {
    let type: ResourceType

    func toStorage(_ object: Value) -> Value { object }

    func fromStorage(_ object: Value, version: GroupVersion) -> Value {
        var object = object
        _ = Pruning.prune(&object, schema: type.schema.schema)
        Defaulting.apply(&object, resource: type)
        return object
    }
}
