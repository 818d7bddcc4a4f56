public import APIModel
internal import OrderedCollections

extension CELValue {
    /// JSON of which nothing else is known.
    public init(_ json: Value) {
        switch json {
        case .null: self = .null
        case .bool(let bool): self = .bool(bool)
        case .int(let int): self = .int(int)
        case .double(let double): self = .double(double)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .list(ListValue(.json(elements, nil)))
        case .object(let fields): self = .map(MapValue(.json(fields, nil)))
        }
    }

    /// JSON read through its schema.
    ///
    /// - Throws: where the two do not fit together.
    public init(_ json: Value, _ schema: SchemaType) throws(EvaluationError) {
        if json.isNull {
            guard schema.isNullable else { throw EvaluationError("invalid data, got null for schema with nullable=false") }
            self = .null
            return
        }
        switch (schema.kind, json) {
        case (.object, .object(let fields)), (.emptyObject, .object(let fields)), (.map, .object(let fields)):
            self = .map(MapValue(.json(fields, schema)))
        case (.list, .array(let elements)): self = .list(ListValue(.json(elements, schema)))
        case (.string, .string(let text)): self = .string(text)
        case (.bool, .bool(let bool)): self = .bool(bool)
        case (.int, .int(let int)): self = .int(int)
        case (.double, .int(let int)): self = .double(Double(int))
        case (.double, .double(let double)): self = .double(double)
        case (.intOrString, .string(let text)): self = .string(text)
        case (.intOrString, .int(let int)): self = .int(int)
        case (.bytes, .string(let text)):
            guard let bytes = Base64.decode(text) else {
                throw EvaluationError("Invalid byte formatted string \(text): illegal base64 data")
            }
            self = .bytes(bytes)
        case (.duration, .string(let text)):
            guard let duration = DurationValue(format: text) else {
                throw EvaluationError("Invalid duration \(text): unable to parse \(text) as duration")
            }
            self = .duration(duration)
        case (.date, .string(let text)):
            guard let date = TimestampValue(date: text) else {
                throw EvaluationError("Invalid date formatted string \(text): cannot be parsed")
            }
            self = .timestamp(date)
        case (.dateTime, .string(let text)):
            guard let time = TimestampValue(format: text) else {
                throw EvaluationError("Invalid date-time formatted string \(text): cannot be parsed")
            }
            self = .timestamp(time)
        case (.preserved, _): self = .object(PreservedValue(json))
        default: throw Self.mismatch(json, schema.kind)
        }
    }

    private static func mismatch(_ json: Value, _ kind: SchemaType.Kind) -> EvaluationError {
        let goType = json.isNull ? "nil" : json.goType
        let message =
            switch kind {
            case .object, .emptyObject, .map: "invalid data, expected a map for the provided schema with type=object"
            case .list: "invalid data, expected an array for the provided schema with type=array"
            case .intOrString: "invalid data, expected XIntOrString value to be either a string or integer"
            case .bool: "invalid data, expected bool, got \(goType)"
            case .int: "invalid data, expected int, got \(goType)"
            case .double: "invalid data, expected float, got \(goType)"
            case .string, .bytes, .duration, .date, .dateTime: "invalid data, expected string, got \(goType)"
            case .invalid(let message): message
            case .preserved: "invalid data"
            }
        return EvaluationError(message)
    }

    /// The value as JSON: bytes as base64, times and durations as text.
    ///
    /// - Throws: for a type, an empty optional, an object of a library, or a map whose keys are not strings.
    public func json() throws(EvaluationError) -> Value {
        var size = 0
        return try json(&size)
    }

    /// How many values one result may hold: more than fits into a request.
    private static let mostValues = 1_000_000

    private func json(_ size: inout Int) throws(EvaluationError) -> Value {
        size += 1
        if size > Self.mostValues { throw EvaluationError("the result is too large") }
        switch self {
        case .null: return .null
        case .bool(let bool): return .bool(bool)
        case .int(let int): return .int(int)
        case .uint(let uint): return Int64(exactly: uint).map(Value.int) ?? .double(Double(uint))
        case .double(let double): return .double(double)
        case .string(let text): return .string(text)
        case .bytes(let bytes): return .string(Base64.encode(bytes))
        case .duration(let duration): return .string(duration.description)
        case .timestamp(let timestamp): return .string(timestamp.description)
        case .list(let list):
            if case .json(let elements, nil) = list.storage { return .array(elements) }
            var result: [Value] = []
            var elements = list.elements()
            while let element = try elements.next() { result.append(try element.json(&size)) }
            return .array(result)
        case .map(let map):
            if case .json(let fields, _) = map.storage { return .object(fields) }
            var fields: Value.Fields = [:]
            for key in map.keys() {
                guard case .string(let name) = key else { throw EvaluationError("map key \(key) is of type \(key.typeName), not string") }
                fields[name] = try map.find(key)?.json(&size)
            }
            return .object(fields)
        case .optional(let optional):
            guard let value = optional.value else { throw EvaluationError("optional.none() dereference") }
            return try value.json(&size)
        case .type: throw EvaluationError("type conversion not supported for 'type'")
        case .object(let object):
            guard let object = object as? any JSONObjectValue else {
                throw EvaluationError("type conversion error from '\(object.typeName)' to JSON")
            }
            var fields: Value.Fields = [:]
            for (name, value) in object.jsonFields { fields[name] = try value.json(&size) }
            return .object(fields)
        }
    }
}

/// An object that can be written as JSON.
protocol JSONObjectValue: ObjectValue {
    var jsonFields: OrderedDictionary<String, CELValue> { get }
}

/// JSON that expressions may compare but not look into.
final class PreservedValue: ObjectValue {
    let json: Value
    init(_ json: Value) { self.json = json }

    var typeName: String { "unknown" }
    var description: String { String(decoding: JSON.encode(json), as: UTF8.self) }
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        if case .object(let other as PreservedValue) = other { return json == other.json }
        return false
    }
}
