import APIModel

/// Translates between the versions of one resource. `apiVersion` is set by the caller.
protocol Conversion: Sendable {
    func toStorage(_ object: Value) -> Value
    func fromStorage(_ object: Value, version: GroupVersion) -> Value
}

/// Versions that differ in nothing but their name.
struct SameFields: Conversion {
    func toStorage(_ object: Value) -> Value { object }
    func fromStorage(_ object: Value, version: GroupVersion) -> Value { object }
}
