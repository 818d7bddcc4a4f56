internal import APIModel
internal import Crypto
internal import OrderedCollections

/// SHA-256 of values, as 64 hexadecimal digits.
enum Fingerprint {
    /// Whatever the order of the fields.
    static func of(_ value: Value) -> String { SHA256.hash(data: JSON.encode(sorted(value))).hexadecimal }

    private static func sorted(_ value: Value) -> Value {
        switch value {
        case .object(let fields):
            .object(Value.Fields(uniqueKeysWithValues: fields.sorted { $0.key < $1.key }.map { ($0.key, sorted($0.value)) }))
        case .array(let elements): .array(elements.map(sorted))
        default: value
        }
    }
}
