internal import OrderedCollections

/// Reads one message.
struct ProtobufDecoder {
    private let bytes: ArraySlice<UInt8>
    private var index: Int
    private let depth: Int

    init(bytes: ArraySlice<UInt8>, depth: Int = 0) {
        self.bytes = bytes
        self.index = bytes.startIndex
        self.depth = depth
    }

    // MARK: Wire

    /// One field as it stands on the wire.
    private enum Payload {
        case number(UInt64)
        case bytes(ArraySlice<UInt8>)
    }

    private mutating func varint() throws(Protobuf.Error) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.endIndex, shift < 70 {
            let byte = bytes[index]
            index += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
        throw malformed(index < bytes.endIndex ? "integer overflow" : "unexpected EOF")
    }

    private mutating func take(_ count: UInt64) throws(Protobuf.Error) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.endIndex - index) else { throw malformed("unexpected EOF") }
        defer { index += Int(count) }
        return bytes[index..<index + Int(count)]
    }

    private mutating func fixed(_ count: UInt64) throws(Protobuf.Error) -> UInt64 {
        try take(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The next field, `nil` at the end.
    private mutating func next() throws(Protobuf.Error) -> (number: Int32, payload: Payload)? {
        guard index < bytes.endIndex else { return nil }
        let tag = try varint()
        guard let number = Int32(exactly: tag >> 3), number > 0 else { throw malformed("illegal tag \(tag >> 3)") }
        switch ProtobufWire(rawValue: tag & 7) {
        case .varint: return (number, .number(try varint()))
        case .fixed64: return (number, .number(try fixed(8)))
        case .fixed32: return (number, .number(try fixed(4)))
        case .delimited: return (number, .bytes(try take(try varint())))
        case nil: throw malformed("illegal wireType \(tag & 7)")
        }
    }

    /// The next field of this number.
    private mutating func next(_ wanted: Int32) throws(Protobuf.Error) -> Payload? {
        while let (number, payload) = try next() {
            if number == wanted { return payload }
        }
        return nil
    }

    private func malformed(_ message: String) -> Protobuf.Error { Protobuf.Error(message: "proto: \(message)", path: "") }

    private func bytes(_ payload: Payload) throws(Protobuf.Error) -> ArraySlice<UInt8> {
        guard case .bytes(let bytes) = payload else { throw malformed("wrong wireType, expected a length and bytes") }
        return bytes
    }

    private func number(_ payload: Payload) throws(Protobuf.Error) -> UInt64 {
        guard case .number(let number) = payload else { throw malformed("wrong wireType, expected a number") }
        return number
    }

    private func string(_ payload: Payload) throws(Protobuf.Error) -> String {
        guard let string = String(validating: try bytes(payload), as: UTF8.self) else { throw malformed("invalid UTF-8") }
        return string
    }

    private func message(_ payload: Payload) throws(Protobuf.Error) -> ProtobufDecoder {
        guard depth < Protobuf.maximumDepth else { throw malformed("exceeded max depth") }
        return ProtobufDecoder(bytes: try bytes(payload), depth: depth + 1)
    }

    // MARK: Messages

    consuming func unknown(type: TypeSchema?, catalogue: Catalogue) throws(Protobuf.Error) -> Value {
        var (apiVersion, kind, encoding, contentType) = ("", "", "", "")
        var raw: ArraySlice<UInt8> = []
        while let (number, payload) = try next() {
            switch number {
            case 1:
                var decoder = try message(payload)
                while let (number, payload) = try decoder.next() {
                    if number == 1 { apiVersion = try decoder.string(payload) }
                    if number == 2 { kind = try decoder.string(payload) }
                }
            case 2: raw = try bytes(payload)
            case 3: encoding = try string(payload)
            case 4: contentType = try string(payload)
            default: break
            }
        }
        guard encoding.isEmpty else { throw Protobuf.Error(message: "content encoding \(encoding) is not supported", path: "") }
        var fields: Value.Fields = [:]
        if !apiVersion.isEmpty { fields["apiVersion"] = .string(apiVersion) }
        if !kind.isEmpty { fields["kind"] = .string(kind) }
        if contentType == "application/json" { return try json(raw) }
        guard let type = GroupVersionKind(of: .object(fields)).flatMap({ catalogue.type(of: $0) }) ?? type else {
            throw Protobuf.Error(message: "no kind \"\(kind)\" is registered for version \"\(apiVersion)\"", path: "")
        }
        try ProtobufDecoder(bytes: raw, depth: depth + 1).read(into: &fields, type: type)
        return .object(fields)
    }

    consuming func read(into fields: inout Value.Fields, type: TypeSchema) throws(Protobuf.Error) {
        try read(into: &fields, type: type, outer: 0, inner: 0)
        for index in type.held {
            let field = type.fields[index]
            guard fields[field.name] == nil else { continue }
            guard case .object(let reference) = field.type else {
                fields[field.name] = field.type.zero
                continue
            }
            var inner: Value.Fields = [:]
            try ProtobufDecoder(bytes: [], depth: depth).read(into: &inner, type: reference.schema)
            fields[field.name] = .object(inner)
        }
    }

    /// - Parameters:
    ///   - outer: the number of the embedded message this is, 0 for the type's own.
    ///   - inner: the number in turn of one embedded in that.
    private mutating func read(into fields: inout Value.Fields, type: TypeSchema, outer: Int32, inner: Int32) throws(Protobuf.Error) {
        // Fields come in their order, so the search goes on where the last one was found.
        var place = 0
        while let (number, payload) = try next() {
            for _ in type.wireOrder {
                let field = type.fields[type.wireOrder[place]]
                switch field.match(number, outer: outer, inner: inner) {
                case .itself:
                    do throws(Protobuf.Error) { try read(payload, field, into: &fields) } catch { throw error.within(field.name) }
                case .embedding:
                    var decoder = try message(payload)
                    try decoder.read(into: &fields, type: type, outer: outer == 0 ? number : outer, inner: outer == 0 ? 0 : number)
                case .no:
                    place = place + 1 == type.wireOrder.count ? 0 : place + 1
                    continue
                }
                break
            }
        }
    }

    private func read(_ payload: Payload, _ field: FieldSchema, into fields: inout Value.Fields) throws(Protobuf.Error) {
        switch field.type {
        case .array(let element):
            var elements: [Value] = []
            if case .bytes(let packed) = payload, element.isNumber {
                var decoder = ProtobufDecoder(bytes: packed, depth: depth)
                while decoder.index < packed.endIndex {
                    let number = if case .double = element { try decoder.fixed(8) } else { try decoder.varint() }
                    elements.append(try value(.number(number), element))
                }
            } else {
                elements.append(try value(payload, element))
            }
            fields[field.name, default: .array([])].elements += elements
        case .map(let element):
            let (key, value) = try entry(payload, element)
            fields[field.name, default: .emptyObject].fields[key] = value
        default:
            let value = try value(payload, field.type)
            // In Go a zero that is no pointer is not written to JSON.
            if value.isNull || (!field.isOptional && !field.isWritten && field.type.isScalar && value.isEmpty) { return }
            fields[field.name] = value
        }
    }

    private func entry(_ payload: Payload, _ element: FieldType) throws(Protobuf.Error) -> (String, Value) {
        var key = ""
        var value = element.zero
        var decoder = try message(payload)
        while let (number, payload) = try decoder.next() {
            if number == ProtobufSpecial.only { key = try decoder.string(payload) }
            guard number == ProtobufSpecial.mapValue else { continue }
            guard case .array(let item) = element else {
                value = try decoder.value(payload, element)
                continue
            }
            var items: [Value] = []
            var list = try decoder.message(payload)
            while let payload = try list.next(ProtobufSpecial.only) { items.append(try list.value(payload, item)) }
            value = .array(items)
        }
        return (key, value)
    }

    private func value(_ payload: Payload, _ type: FieldType) throws(Protobuf.Error) -> Value {
        switch type {
        case .string: return .string(try string(payload))
        case .boolean: return .bool(try number(payload) != 0)
        case .int32: return .int(Int64(Int32(truncatingIfNeeded: try number(payload))))
        case .int64: return .int(Int64(bitPattern: try number(payload)))
        case .double:
            let double = Double(bitPattern: try number(payload))
            guard double.isFinite else { throw Protobuf.Error(message: "json: unsupported value: \(double)", path: "") }
            return .double(double)
        case .bytes: return .string(Base64.encode(try bytes(payload)))
        case .time, .microTime: return try time(payload, type)
        case .quantity:
            var text = "0"
            var decoder = try message(payload)
            while let payload = try decoder.next(ProtobufSpecial.only) { text = try decoder.string(payload) }
            return .string(text.isEmpty ? "0" : text)
        case .intOrString: return try intOrString(payload)
        case .any(let name): return try any(payload, name)
        case .object(let reference):
            var fields: Value.Fields = [:]
            try message(payload).read(into: &fields, type: reference.schema)
            return .object(fields)
        case .array, .map: throw malformed("a list inside a list")
        }
    }

    private func time(_ payload: Payload, _ type: FieldType) throws(Protobuf.Error) -> Value {
        var (seconds, nanos): (Int64?, Int64) = (nil, 0)
        var decoder = try message(payload)
        while let (number, payload) = try decoder.next() {
            if number == ProtobufSpecial.Time.seconds { seconds = Int64(bitPattern: try decoder.number(payload)) }
            if number == ProtobufSpecial.Time.nanos { nanos = Int64(bitPattern: try decoder.number(payload)) }
        }
        // An empty message is the zero time, which JSON has as null.
        guard let seconds else { return .null }
        guard case .microTime = type else { return .string(Timestamp.format(seconds: seconds)) }
        return .string(Timestamp.format(seconds: seconds, microseconds: Int32(min(max(nanos / 1000, 0), 999_999))))
    }

    private func intOrString(_ payload: Payload) throws(Protobuf.Error) -> Value {
        var (isString, int, text): (Bool, Int64, String) = (false, 0, "")
        var decoder = try message(payload)
        while let (number, payload) = try decoder.next() {
            switch number {
            case ProtobufSpecial.IntOrString.type: isString = try decoder.number(payload) == 1
            case ProtobufSpecial.IntOrString.int: int = Int64(Int32(truncatingIfNeeded: try decoder.number(payload)))
            case ProtobufSpecial.IntOrString.string: text = try decoder.string(payload)
            default: break
            }
        }
        return isString ? .string(text) : .int(int)
    }

    private func any(_ payload: Payload, _ name: String) throws(Protobuf.Error) -> Value {
        var decoder = try message(payload)
        guard let choice = ProtobufSpecial.choices[name] else {
            var raw: ArraySlice<UInt8> = []
            while let payload = try decoder.next(ProtobufSpecial.only) { raw = try decoder.bytes(payload) }
            return try decoder.json(raw)
        }
        var schema: Value?
        var elements: [Value] = []
        var isAllowed = false
        while let (number, payload) = try decoder.next() {
            if number == choice.schema {
                schema = try decoder.value(payload, .object(ProtobufSpecial.schemaReference))
            } else if number == choice.other {
                switch choice.kind {
                case .bool: isAllowed = try decoder.number(payload) != 0
                case .strings: elements.append(.string(try decoder.string(payload)))
                case .schemas: elements.append(try decoder.value(payload, .object(ProtobufSpecial.schemaReference)))
                }
            }
        }
        return schema ?? (choice.kind == .bool ? .bool(isAllowed) : .array(elements))
    }

    /// What a RawExtension holds: JSON, or a message in its envelope.
    private func json(_ raw: ArraySlice<UInt8>) throws(Protobuf.Error) -> Value {
        if raw.isEmpty { return .null }
        if raw.starts(with: Protobuf.magic) {
            guard depth < Protobuf.maximumDepth else { throw malformed("exceeded max depth") }
            return try ProtobufDecoder(bytes: raw.dropFirst(Protobuf.magic.count), depth: depth + 1).unknown(type: nil, catalogue: .builtin)
        }
        do { return try JSON.decode(Array(raw)) } catch { throw Protobuf.Error(message: "\(error)", path: "") }
    }
}

extension FieldSchema {
    fileprivate enum Match { case itself, embedding, no }

    /// What a number, read inside these embedded messages, says about this field.
    fileprivate func match(_ number: Int32, outer: Int32, inner: Int32) -> Match {
        guard outer == 0 || outer == inlineIn, inner == 0 || inner == inlineInner else { return .no }
        let next = outer == 0 ? inlineIn : inner == 0 ? inlineInner : 0
        if next != 0 { return next == number ? .embedding : .no }
        return self.number == number ? .itself : .no
    }
}

extension FieldType {
    fileprivate var isNumber: Bool {
        switch self {
        case .boolean, .int32, .int64, .double: true
        default: false
        }
    }

    fileprivate var isScalar: Bool {
        switch self {
        case .string, .bytes: true
        default: isNumber
        }
    }

    /// What a map's entry without a value has, and what a field has that is held by value.
    fileprivate var zero: Value {
        switch self {
        case .string, .bytes: ""
        case .boolean: false
        case .int32, .int64, .intOrString: 0
        case .double: .double(0)
        case .quantity: "0"
        case .array: .array([])
        case .object: .emptyObject
        default: .null
        }
    }
}
