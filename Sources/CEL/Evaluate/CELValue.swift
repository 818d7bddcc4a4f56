/// A value that an expression works on.
///
/// JSON is not converted as a whole: a list or a map of it is wrapped, and its elements become values when they are looked at.
public enum CELValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case duration(DurationValue)
    case timestamp(TimestampValue)
    case list(ListValue)
    case map(MapValue)
    case optional(OptionalValue)
    /// A type, by its name: `int`, `list`, `kubernetes.URL`.
    case type(String)
    /// What only functions know: an address, a quantity, a patch.
    case object(any ObjectValue)
}

extension CELValue {
    public static func optional(of value: CELValue) -> CELValue { .optional(OptionalValue(value)) }
    public static let none = CELValue.optional(OptionalValue(nil))

    /// The name that `type(x)` gives.
    var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .duration: "google.protobuf.Duration"
        case .timestamp: "google.protobuf.Timestamp"
        case .list: "list"
        case .map: "map"
        case .optional: "optional_type"
        case .type: "type"
        case .object(let object): object.typeName
        }
    }

    /// How large it counts for cost: characters, bytes, elements or entries, 1 for all else.
    var costSize: UInt64 {
        switch self {
        case .string(let text): UInt64(text.scalarCount)
        case .bytes(let bytes): UInt64(bytes.count)
        case .list(let list): UInt64(list.count)
        case .map(let map): UInt64(map.count)
        case .optional(let optional): optional.value?.costSize ?? 1
        case .object(let object): UInt64(object.costSize)
        case .null, .bool, .int, .uint, .double, .duration, .timestamp, .type: 1
        }
    }

    /// Whether it is the zero of its type: what `optional.ofNonZeroValue` leaves out.
    var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let bool): !bool
        case .int(let int): int == 0
        case .uint(let uint): uint == 0
        case .double(let double): double == 0
        case .string(let text): text.isEmpty
        case .bytes(let bytes): bytes.isEmpty
        case .duration(let duration): duration.nanoseconds == 0
        case .timestamp(let timestamp): timestamp == .earliest
        case .list(let list): list.count == 0
        case .map(let map): map.count == 0
        case .object(let object): object.isZero
        case .optional, .type: false
        }
    }
}

/// A value that may not be there.
public final class OptionalValue: Sendable {
    public let value: CELValue?

    public init(_ value: CELValue?) { self.value = value }
}

/// A value of a library's own type.
public protocol ObjectValue: AnyObject, Sendable {
    var typeName: String { get }
    /// Whether `other` is the same; throws where the two cannot be compared.
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool
    /// The value of a field, `nil` where it is not set. Throws where there is no such field.
    func field(_ name: String) throws(EvaluationError) -> CELValue?
    /// What a field reads as that is not set, `nil` where it cannot be read.
    func unset(_ name: String) -> CELValue?
    /// How large it counts for cost.
    var costSize: Int { get }
    var isZero: Bool { get }
    /// As a message or a test shows it.
    var description: String { get }
}

extension ObjectValue {
    public func field(_ name: String) throws(EvaluationError) -> CELValue? { throw .noSuchKey(.string(name)) }
    public func unset(_ name: String) -> CELValue? { nil }
    public var costSize: Int { 1 }
    public var isZero: Bool { false }
}

extension String {
    /// The number of Unicode scalars: the length of a string.
    var scalarCount: Int { utf8.reduce(into: 0) { count, byte in count += byte & 0xc0 == 0x80 ? 0 : 1 } }
}
