import APIModel
import OrderedCollections

extension YAML {
    /// As upstream writes it: the fields of every object in the order of their names.
    static func bytes(_ value: Value) -> [UInt8] { Array(encode(sorted(value)).utf8) }

    private static func sorted(_ value: Value) -> Value {
        switch value {
        case .array(let elements): .array(elements.map(sorted))
        case .object(let fields):
            .object(
                Value.Fields(uniqueKeysWithValues: fields.sorted { $0.key < $1.key }.map { ($0.key, sorted($0.value)) }))
        default: value
        }
    }
}
