internal import APIModel
public import OrderedCollections

/// A map: entries, or a wrapped JSON object.
public final class MapValue: Sendable {
    enum Storage: Sendable {
        case entries(OrderedDictionary<ScalarKey, Entry>)
        /// With the schema of the object, where it has one.
        case json(Value.Fields, SchemaType?)
        case lazy(any LazyFields)
    }

    struct Entry: Sendable {
        var key: CELValue
        var value: CELValue
    }

    let storage: Storage
    /// What a look-up of a key gives that is not in the map; `in` says that it is not there all the same.
    let fallback: CELValue?

    private init(_ storage: Storage, fallback: CELValue?) { (self.storage, self.fallback) = (storage, fallback) }
    convenience init(_ storage: Storage) { self.init(storage, fallback: nil) }
    convenience init(_ entries: OrderedDictionary<ScalarKey, Entry>) { self.init(.entries(entries)) }
    /// An object whose fields are evaluated when they are first asked for.
    public convenience init(_ fields: any LazyFields) { self.init(.lazy(fields)) }
    /// A map with these fields.
    public convenience init(_ fields: OrderedDictionary<String, CELValue>, fallback: CELValue? = nil) {
        let entries = fields.map { (ScalarKey.string($0), Entry(key: .string($0), value: $1)) }
        self.init(.entries(OrderedDictionary(uniqueKeysWithValues: entries)), fallback: fallback)
    }

    public var count: Int {
        switch storage {
        case .entries(let entries): entries.count
        case .json(let fields, _): fields.count
        case .lazy(let fields): fields.names.count
        }
    }

    var hasSchema: Bool { if case .json(_, let schema?) = storage { !schema.kind.isInvalid } else { false } }

    /// The value of an entry, `nil` where there is none.
    func find(_ key: CELValue) throws(EvaluationError) -> CELValue? {
        switch storage {
        case .entries(let entries): return ScalarKey(key).flatMap { entries[$0]?.value }
        case .json(_, let schema):
            guard case .string(let name) = key else {
                if schema != nil { throw .noSuchOverload }
                return nil
            }
            return try field(name)
        case .lazy:
            guard case .string(let name) = key else { throw .noSuchOverload }
            return try field(name)
        }
    }

    /// The value of an entry with a name as its key. Fields of objects with a schema go by their identifiers.
    func field(_ name: String) throws(EvaluationError) -> CELValue? {
        switch storage {
        case .entries(let entries): return entries[.string(name)]?.value
        case .lazy(let fields): return try FieldName.unescape(name).flatMap { name throws(EvaluationError) in try fields.field(name) }
        case .json(let fields, nil): return fields[name].map { CELValue($0) }
        case .json(let fields, let schema?):
            switch schema.kind {
            case .object(let properties):
                // A field that is null is one that is not there.
                guard let name = FieldName.unescape(name), let property = properties[name], let value = fields[name], !value.isNull else {
                    return nil
                }
                return try CELValue(value, property)
            case .map(let element):
                guard let value = fields[name] else { return nil }
                return try CELValue(value, element)
            default: return nil
            }
        }
    }

    /// The fields that the schema does not have, as they are.
    var unknownFields: Value {
        guard case .json(let fields, let schema?) = storage else { return .emptyObject }
        switch schema.kind {
        case .object(let properties): return .object(fields.filter { properties[$0.key] == nil })
        case .map: return .emptyObject
        default: return .object(fields)
        }
    }

    /// The keys, in the order in which they were written.
    func keys() -> [CELValue] {
        switch storage {
        case .entries(let entries): return entries.values.map(\.key)
        case .lazy(let fields): return fields.names.map(CELValue.string)
        case .json(let fields, nil): return fields.keys.map(CELValue.string)
        case .json(let fields, let schema?):
            switch schema.kind {
            case .object(let properties):
                return fields.keys.filter { properties[$0] != nil }.map { .string(FieldName.escape($0) ?? $0) }
            case .map: return fields.keys.map(CELValue.string)
            default: return []
            }
        }
    }
}

/// Fields that come from somewhere else when an expression asks for them.
public protocol LazyFields: Sendable {
    /// Their names, in order.
    var names: [String] { get }
    /// The value of a field, `nil` where there is none. Called again each time the field is used: who evaluates keeps the result.
    func field(_ name: String) throws(EvaluationError) -> CELValue?
}

extension SchemaType.Kind {
    var isInvalid: Bool { if case .invalid = self { true } else { false } }
}

/// A value that can be the key of a map or the member of a set. Numbers of one value are one key, whatever their type.
enum ScalarKey: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    /// Only what `int` cannot hold.
    case uint(UInt64)
    /// Only what is not a whole number that `int` or `uint` can hold.
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case duration(DurationValue)
    case timestamp(TimestampValue)

    init?(_ value: CELValue) {
        switch value {
        case .null: self = .null
        case .bool(let bool): self = .bool(bool)
        case .int(let int): self = .int(int)
        case .uint(let uint): self = Int64(exactly: uint).map(ScalarKey.int) ?? .uint(uint)
        case .double(let double):
            self = Int64(exactly: double).map(ScalarKey.int) ?? UInt64(exactly: double).map(ScalarKey.uint) ?? .double(double)
        case .string(let text): self = .string(text)
        case .bytes(let bytes): self = .bytes(bytes)
        case .duration(let duration): self = .duration(duration)
        case .timestamp(let timestamp): self = .timestamp(timestamp)
        case .list, .map, .optional, .type, .object: return nil
        }
    }
}
