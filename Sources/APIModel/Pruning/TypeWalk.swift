internal import OrderedCollections

/// One walk over an object along its schema.
struct TypeWalk {
    /// Paths of fields that were removed, the first hundred of them.
    var unknown: [String] = []
    /// The first value of a wrong type, in the words of Go's JSON decoder.
    var mismatch: String?

    private var trail = Trail()
    /// The path without indices and keys, as Go's decoder tells it.
    private var names: [String] = []

    mutating func object(_ value: inout Value, _ schema: TypeSchema) {
        guard case .object(var fields) = value else {
            wrongType(value, "v1.\(schema.name)", in: schema)
            return
        }
        value = .null
        var leavesOut: Set<String> = []
        for index in fields.elements.indices {
            let name = fields.elements[index].key
            guard let field = schema.field(name) else {
                if unknown.count < JSON.maximumComplaints { unknown.append(trail.text(to: name)) }
                leavesOut.insert(name)
                continue
            }
            if fields.elements[index].value.isNull {
                leavesOut.insert(name)
                continue
            }
            trail.push(.name(name))
            names.append(name)
            check(&fields.values[index], field.type, in: schema)
            // What Go's omitempty would not write either.
            if !field.isRequired, !field.keepsEmpty {
                switch (field.type, fields.values[index]) {
                case (.array, .array(let elements)) where elements.isEmpty: leavesOut.insert(name)
                case (.map, .object(let entries)) where entries.isEmpty: leavesOut.insert(name)
                default: break
                }
            }
            names.removeLast()
            trail.pop()
        }
        if !leavesOut.isEmpty { fields.removeAll { leavesOut.contains($0.key) } }
        value = .object(fields)
    }

    private mutating func check(_ value: inout Value, _ type: FieldType, in schema: TypeSchema) {
        if value.isNull { return }
        switch type {
        case .string: if value.string == nil { wrongType(value, "string", in: schema) }
        case .boolean: if value.bool == nil { wrongType(value, "bool", in: schema) }
        case .int32:
            guard let int = value.int, Int32(exactly: int.int64) != nil else { return wrongType(value, "int32", in: schema) }
            value = .int(int)
        case .int64:
            guard let int = value.int else { return wrongType(value, "int64", in: schema) }
            value = .int(int)
        case .double: if value.number == nil { wrongType(value, "float64", in: schema) }
        case .bytes:
            guard let text = value.string else { return wrongType(value, "[]uint8", in: schema) }
            if let offset = Base64Check.firstBadByte(text) { fail("illegal base64 data at input byte \(offset)") }
        case .time, .microTime: time(&value, type, in: schema)
        case .quantity: quantity(&value, in: schema)
        case .intOrString:
            if value.string == nil {
                guard let int = value.int, Int32(exactly: int.int64) != nil else { return wrongType(value, "int32", in: schema) }
                value = .int(int)
            }
        case .any: break
        case .array(let element):
            guard case .array(var elements) = value else { return wrongType(value, "[]\(Self.goName(element))", in: schema) }
            value = .null
            for index in elements.indices {
                trail.push(.index(index))
                if elements[index].isNull { elements[index] = Self.zero(element) }
                check(&elements[index], element, in: schema)
                trail.pop()
            }
            value = .array(elements)
        case .map(let element):
            guard case .object(var fields) = value else { return wrongType(value, "map[string]\(Self.goName(element))", in: schema) }
            value = .null
            for index in fields.elements.indices {
                trail.push(.name(fields.elements[index].key))
                if fields.values[index].isNull { fields.values[index] = Self.zero(element) }
                check(&fields.values[index], element, in: schema)
                trail.pop()
            }
            value = .object(fields)
        case .object(let reference):
            guard case .object = value else { return wrongType(value, Self.goName(type), in: schema) }
            object(&value, reference.schema)
        }
    }

    /// What Go makes of a null in a list or a map.
    private static func zero(_ type: FieldType) -> Value { if case .object = type { .emptyObject } else { ZeroObject.zero(type) } }

    private mutating func quantity(_ value: inout Value, in schema: TypeSchema) {
        let text: String
        switch value {
        case .string(let string): text = string.filter { $0 != " " }
        case .int(let int): text = String(int)
        case .double(let double): text = String(double)
        default: return wrongType(value, "resource.Quantity", in: schema)
        }
        do {
            value = .string(try Quantity.canonical(text))
        } catch {
            fail(error.description)
        }
    }

    private mutating func time(_ value: inout Value, _ type: FieldType, in schema: TypeSchema) {
        guard let text = value.string else { return wrongType(value, "string", in: schema) }
        let layout: String
        if case .microTime = type { layout = "2006-01-02T15:04:05.000000Z07:00" } else { layout = "2006-01-02T15:04:05Z07:00" }
        guard let instant = Timestamp.parse(text) else {
            fail(
                "parsing time \(FieldError.quoted(FieldError.quoted(text))) as \(FieldError.quoted(FieldError.quoted(layout))): cannot parse \(FieldError.quoted(text)) as \"2006\""
            )
            return
        }
        let whole = Timestamp.format(seconds: instant.seconds)
        guard case .microTime = type else {
            value = .string(whole)
            return
        }
        let micros = String(instant.nanos / 1000)
        value = .string("\(whole.dropLast()).\(String(repeating: "0", count: 6 - micros.count))\(micros)Z")
    }

    private mutating func wrongType(_ value: Value, _ type: String, in schema: TypeSchema) {
        let kind =
            switch value {
            case .int(let int) where type.hasPrefix("int"): "number \(int)"
            case .double(let double) where type.hasPrefix("int"): "number \(double)"
            default: value.jsonType
            }
        if names.isEmpty {
            fail("json: cannot unmarshal \(kind) into Go value of type \(Self.goName(schema.name))")
        } else {
            fail(
                "json: cannot unmarshal \(kind) into Go struct field \(Self.lastPart(schema.name)).\(names.joined(separator: ".")) of type \(type)"
            )
        }
    }

    private mutating func fail(_ message: String) { if mismatch == nil { mismatch = message } }

    private static func lastPart(_ name: String) -> String { String(name.split(separator: ".").last ?? "") }
    private static func goName(_ name: String) -> String { name.split(separator: ".").suffix(2).joined(separator: ".") }

    private static func goName(_ type: FieldType) -> String {
        switch type {
        case .string: "string"
        case .boolean: "bool"
        case .int32: "int32"
        case .int64: "int64"
        case .double: "float64"
        case .bytes: "[]uint8"
        case .time: "v1.Time"
        case .microTime: "v1.MicroTime"
        case .quantity: "resource.Quantity"
        case .intOrString: "intstr.IntOrString"
        case .any(let name): goName(name)
        case .array(let element): "[]" + goName(element)
        case .map(let element): "map[string]" + goName(element)
        case .object(let reference): goName(reference.name)
        }
    }
}

/// Whether text is standard base64, padded, with line ends allowed, as Go decodes it.
enum Base64Check {
    static func firstBadByte(_ text: String) -> Int? {
        var count = 0
        var padding = 0
        for (offset, byte) in text.utf8.enumerated() where byte != 10 && byte != 13 {
            if byte == UInt8(ascii: "=") {
                padding += 1
                if count % 4 < 2 || padding > 2 { return offset }
            } else {
                guard padding == 0, Names.isAlphanumeric(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") else {
                    return offset
                }
            }
            if byte != UInt8(ascii: "=") || count % 4 != 0 { count += 1 }
        }
        return count % 4 == 0 ? nil : text.utf8.count
    }
}
