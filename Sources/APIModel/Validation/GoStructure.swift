internal import OrderedCollections

/// How Go shows structures of its own in what it refuses.
public enum GoStructure {
    /// The fields of a structure in Go's order, each with what is there when nothing is given.
    public typealias Zero = KeyValuePairs<String, Value>

    /// A value as a structure without JSON names: every field, with a capital.
    public static func show(_ value: Value, zero: Zero) -> Value {
        .object(
            Value.Fields(
                uniqueKeysWithValues: zero.map { name, nothing in
                    let goName = name == "seLinuxOptions" ? "SELinuxOptions" : name.prefix(1).uppercased() + name.dropFirst()
                    return (goName, value[name].isNull ? nothing : value[name])
                }))
    }
}
