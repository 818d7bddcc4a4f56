public import OrderedCollections

/// A JSON value: what every API object is made of while it is not bytes.
///
/// A number without fraction and exponent that fits is an `int`, any other a `double`. The order of an object's fields is kept but does not
/// count for equality.
public enum Value: Sendable {
    public typealias Fields = OrderedDictionary<String, Value>

    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([Value])
    case object(Fields)
}

extension Value {
    /// The empty object.
    public static let emptyObject = Value.object([:])

    /// The field `name`, `.null` where there is none or this is no object.
    ///
    /// Assigning makes an object of a `.null`, and assigning `.null` removes the field; an explicit JSON `null` is put in through `fields`.
    public subscript(name: String) -> Value {
        get {
            guard case .object(let fields) = self else { return .null }
            return fields[name] ?? .null
        }
        _modify {
            var fields: Fields
            if case .object(let existing) = self { fields = existing } else { fields = [:] }
            self = .null
            var field = fields[name] ?? .null
            if !field.isNull { fields[name] = .null }
            defer {
                if field.isNull { fields.removeValue(forKey: name) } else { fields[name] = field }
                self = .object(fields)
            }
            yield &field
        }
    }

    /// The element at `index`, `.null` where there is none or this is no array. Assigning outside the array is a programmer error.
    public subscript(index: Int) -> Value {
        get {
            guard case .array(let elements) = self, elements.indices.contains(index) else { return .null }
            return elements[index]
        }
        _modify {
            guard case .array(var elements) = self else { preconditionFailure("element \(index) of a value that is no array") }
            self = .null
            defer { self = .array(elements) }
            yield &elements[index]
        }
    }

    /// Follows field names: `pod[path: "spec", "nodeName"]`.
    public subscript(path path: String...) -> Value {
        var value = self
        for name in path { value = value[name] }
        return value
    }

    public var isNull: Bool { if case .null = self { true } else { false } }
    public var string: String? { if case .string(let string) = self { string } else { nil } }
    public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

    /// The whole number, also of a `double` without fraction.
    public var int: Whole? {
        switch self {
        case .int(let int): Whole(int)
        case .double(let double): Int64(exactly: double).map { Whole($0) }
        default: nil
        }
    }

    @_disfavoredOverload
    public static func int(_ whole: Whole) -> Value { .int(whole.int64) }

    /// As many seconds as anybody may ask to wait, a century: what is reckoned with it, in nanoseconds, too, stays within `Int64`.
    public static let longestSpan: Whole = 3_153_600_000

    /// A span of seconds that a user chose, cut to `longestSpan` either way.
    public var seconds: Whole? { int.map { min(max($0, -Self.longestSpan), Self.longestSpan) } }

    /// The number, whichever way it is kept.
    public var number: Double? {
        switch self {
        case .int(let int): Double(int)
        case .double(let double): double
        default: nil
        }
    }

    /// The elements, or none when this is no array.
    public var elements: [Value] {
        get { if case .array(let elements) = self { elements } else { [] } }
        _modify {
            var elements = self.elements
            self = .null
            defer { self = .array(elements) }
            yield &elements
        }
    }

    /// The fields, or none when this is no object.
    public var fields: Fields {
        get { if case .object(let fields) = self { fields } else { [:] } }
        _modify {
            var fields = self.fields
            self = .null
            defer { self = .object(fields) }
            yield &fields
        }
    }

    /// The fields that are strings, as labels, annotations and selectors are.
    public var strings: [String: String] {
        Dictionary(uniqueKeysWithValues: fields.compactMap { name, value in value.string.map { (name, $0) } })
    }

    /// Whether there is nothing in it: `null`, `""`, `[]`, `{}`, `0`, `false` — what Go's `omitempty` leaves out.
    public var isEmpty: Bool {
        switch self {
        case .null: true
        case .bool(let bool): !bool
        case .int(let int): int == 0
        case .double(let double): double == 0
        case .string(let string): string.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let fields): fields.isEmpty
        }
    }
}

extension Value: Hashable {
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.int(let a), .double(let b)), (.double(let b), .int(let a)): Double(a) == b
        case (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): isSame(a, b)
        default: false
        }
    }

    private static func isSame(_ a: Fields, _ b: Fields) -> Bool {
        guard a.count == b.count else { return false }
        for index in 0..<a.count {
            let (mine, theirs) = (a.elements[index], b.elements[index])
            // Mostly in the same order, which saves the search.
            if mine.key == theirs.key ? mine.value != theirs.value : b[mine.key] != mine.value { return false }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let bool): hasher.combine(bool)
        case .int(let int): hasher.combine(Double(int))
        case .double(let double): hasher.combine(double)
        case .string(let string): hasher.combine(string)
        case .array(let elements): hasher.combine(elements)
        case .object(let fields):
            // The order of fields does not count, so their hashes are added up.
            var sum = 0
            for (name, value) in fields {
                var field = Hasher()
                field.combine(name)
                field.combine(value)
                sum &+= field.finalize()
            }
            hasher.combine(sum)
        }
    }
}

// There is no literal `nil`: beside an optional value it would be a value that is null, not the absence of one.
extension Value: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral,
    ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: Value...) { self = .array(elements) }
    /// Leaves out the fields given as `.null`.
    public init(dictionaryLiteral elements: (String, Value)...) {
        self = .object(Fields(elements.lazy.filter { !$0.1.isNull }.map { ($0.0, $0.1) }, uniquingKeysWith: { $1 }))
    }
    public init(_ string: String) { self = .string(string) }
    public init(_ string: String?) { self = string.map(Value.string) ?? .null }
    /// Cut to what fits.
    public init(_ int: some BinaryInteger) { self = .int(Int64(clamping: int)) }
    public init(_ whole: Whole) { self = .int(whole.int64) }
    public init(_ bool: Bool) { self = .bool(bool) }
    public init(_ strings: [String: String]) {
        self = .object(Fields(uniqueKeysWithValues: strings.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }
    public init(_ strings: [String]) { self = .array(strings.map(Value.string)) }
}
