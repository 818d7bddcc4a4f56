internal import OrderedCollections

/// Appends protobuf to bytes.
struct ProtobufEncoder {
    var bytes: [UInt8] = []

    // MARK: Wire

    mutating func varint(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func tag(_ number: Int32, _ wire: ProtobufWire) { varint(UInt64(number) << 3 | wire.rawValue) }

    mutating func int(_ number: Int32, _ value: Int64) {
        tag(number, .varint)
        varint(UInt64(bitPattern: value))
    }

    mutating func bytes(_ number: Int32, _ value: some Collection<UInt8>) {
        tag(number, .delimited)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func string(_ number: Int32, _ value: String) { bytes(number, value.utf8) }

    private mutating func double(_ number: Int32, _ value: Double) {
        tag(number, .fixed64)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A message whose length is known when it is written: most are short, so one byte is kept for it and the rest moved where that is too
    /// little.
    mutating func message<Failure: Error>(_ number: Int32, _ body: (inout ProtobufEncoder) throws(Failure) -> Void) throws(Failure) {
        tag(number, .delimited)
        bytes.append(0)
        let start = bytes.count
        try body(&self)
        var length = UInt64(bytes.count - start)
        guard length >= 0x80 else {
            bytes[start - 1] = UInt8(length)
            return
        }
        bytes[start - 1] = UInt8(truncatingIfNeeded: length) | 0x80
        var rest: [UInt8] = []
        length >>= 7
        while length >= 0x80 {
            rest.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        rest.append(UInt8(length))
        bytes.insert(contentsOf: rest, at: start)
    }

    // MARK: Values

    mutating func append(_ value: Value, as type: TypeSchema) throws(Protobuf.Error) {
        guard case .object(let fields) = value else {
            if value.isNull { return }
            throw mismatch(value, "an object")
        }
        try append(fields, type.wireOrder[...], of: type, level: 0)
    }

    /// Appends the fields at these places; those of an embedded message follow each other and are wrapped in it. It is written even when
    /// empty, as it always is in Go.
    private mutating func append(_ fields: Value.Fields, _ places: ArraySlice<Int>, of type: TypeSchema, level: Int) throws(Protobuf.Error)
    {
        var index = places.startIndex
        while index < places.endIndex {
            let field = type.fields[places[index]]
            let embedded = field.embedding(level)
            if embedded != 0 {
                let end = places[index...].firstIndex { type.fields[$0].embedding(level) != embedded } ?? places.endIndex
                // A message that is there for a list alone is left out with it.
                if case .array = field.type, end == index + 1, fields[field.name]?.isEmpty != false {
                    index = end
                    continue
                }
                try message(embedded) { encoder throws(Protobuf.Error) in
                    try encoder.append(fields, places[index..<end], of: type, level: level + 1)
                }
                index = end
                continue
            }
            if let value = fields[field.name], !value.isNull {
                do throws(Protobuf.Error) { try append(value, field.type, field.number) } catch { throw error.within(field.name) }
            } else if !field.isOptional {
                try appendZero(field.type, field.number)
            }
            index += 1
        }
    }

    /// What Go writes for a field that it holds by value and nobody has set.
    private mutating func appendZero(_ type: FieldType, _ number: Int32) throws(Protobuf.Error) {
        switch type {
        case .string: string(number, "")
        case .boolean, .int32, .int64: int(number, 0)
        case .double: double(number, 0)
        case .time, .microTime, .any: message(number) { _ in }
        case .quantity: try append("0", type, number)
        case .intOrString: try append(0, type, number)
        case .object: try append(.emptyObject, type, number)
        case .bytes, .array, .map: break
        }
    }

    private mutating func append(_ value: Value, _ type: FieldType, _ number: Int32) throws(Protobuf.Error) {
        switch type {
        case .string: string(number, try text(value))
        case .boolean:
            guard case .bool(let bool) = value else { throw mismatch(value, "a boolean") }
            int(number, bool ? 1 : 0)
        case .int32:
            guard let number32 = value.int.flatMap({ Int32(exactly: $0.int64) }) else { throw mismatch(value, "a 32-bit integer") }
            int(number, Int64(number32))
        case .int64:
            guard let number64 = value.int?.int64 else { throw mismatch(value, "a 64-bit integer") }
            int(number, number64)
        case .double:
            guard let double = value.number else { throw mismatch(value, "a number") }
            self.double(number, double)
        case .bytes:
            guard let decoded = Base64.decode(try text(value)) else { throw mismatch(value, "base64") }
            bytes(number, decoded)
        case .time, .microTime: try append(time: value, type, number)
        case .quantity:
            // Numbers are quantities too, in JSON.
            let text = value.string ?? String(decoding: JSON.encode(value), as: UTF8.self)
            message(number) { $0.string(ProtobufSpecial.only, text) }
        case .intOrString: try append(intOrString: value, number)
        case .any(let name): try append(any: value, name, number)
        case .array(let element):
            guard case .array(let elements) = value else { throw mismatch(value, "an array") }
            for (index, value) in elements.enumerated() {
                do throws(Protobuf.Error) { try append(value, element, number) } catch { throw error.within("[\(index)]") }
            }
        case .map(let element): try append(map: value, element, number)
        case .object(let reference):
            let type = reference.schema
            try message(number) { encoder throws(Protobuf.Error) in try encoder.append(value, as: type) }
        }
    }

    private mutating func append(time value: Value, _ type: FieldType, _ number: Int32) throws(Protobuf.Error) {
        guard let time = Timestamp.parse(try text(value)) else { throw mismatch(value, "a time") }
        var nanos: Int64 = 0
        // A Time has whole seconds, whatever the text had.
        if case .microTime = type { nanos = Int64(time.nanos / 1000 * 1000) }
        message(number) { encoder in
            encoder.int(ProtobufSpecial.Time.seconds, time.seconds.int64)
            encoder.int(ProtobufSpecial.Time.nanos, nanos)
        }
    }

    private mutating func append(intOrString value: Value, _ number: Int32) throws(Protobuf.Error) {
        let integer = value.int.flatMap { Int32(exactly: $0.int64) }
        guard integer != nil || value.string != nil else { throw mismatch(value, "an integer or a string") }
        message(number) { encoder in
            encoder.int(ProtobufSpecial.IntOrString.type, integer == nil ? 1 : 0)
            encoder.int(ProtobufSpecial.IntOrString.int, Int64(integer ?? 0))
            encoder.string(ProtobufSpecial.IntOrString.string, value.string ?? "")
        }
    }

    private mutating func append(any value: Value, _ name: String, _ number: Int32) throws(Protobuf.Error) {
        guard let choice = ProtobufSpecial.choices[name] else {
            message(number) { $0.bytes(ProtobufSpecial.only, JSON.encode(value)) }
            return
        }
        let schema = ProtobufSpecial.schemaReference.schema
        try message(number) { encoder throws(Protobuf.Error) in
            if choice.kind == .bool { encoder.int(choice.other, value.bool ?? true ? 1 : 0) }
            switch (value, choice.kind) {
            case (.object, _):
                try encoder.message(choice.schema) { encoder throws(Protobuf.Error) in try encoder.append(value, as: schema) }
            case (.array(let elements), .schemas):
                for element in elements {
                    try encoder.message(choice.other) { encoder throws(Protobuf.Error) in try encoder.append(element, as: schema) }
                }
            case (.array(let elements), .strings): for element in elements { encoder.string(choice.other, try encoder.text(element)) }
            case (.bool, .bool): break
            default: throw encoder.mismatch(value, "a schema or what may stand for one")
            }
        }
    }

    private mutating func append(map value: Value, _ element: FieldType, _ number: Int32) throws(Protobuf.Error) {
        guard case .object(let entries) = value else { throw mismatch(value, "an object") }
        for (key, value) in entries.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            do throws(Protobuf.Error) {
                try message(number) { encoder throws(Protobuf.Error) in
                    encoder.string(ProtobufSpecial.only, key)
                    if case .array = element {
                        // A list cannot be a map's value, so a message holds it.
                        try encoder.message(ProtobufSpecial.mapValue) { encoder throws(Protobuf.Error) in
                            try encoder.append(value, element, ProtobufSpecial.only)
                        }
                    } else if !value.isNull {
                        try encoder.append(value, element, ProtobufSpecial.mapValue)
                    }
                }
            } catch { throw error.within("[\(key)]") }
        }
    }

    private func text(_ value: Value) throws(Protobuf.Error) -> String {
        guard case .string(let string) = value else { throw mismatch(value, "a string") }
        return string
    }

    private func mismatch(_ value: Value, _ expected: String) -> Protobuf.Error {
        Protobuf.Error(message: "\(String(decoding: JSON.encode(value).prefix(100), as: UTF8.self)) is not \(expected)", path: "")
    }
}

extension FieldSchema {
    /// The number of the message that holds this field, seen from within so many others; 0 where none does.
    func embedding(_ level: Int) -> Int32 {
        switch level {
        case 0: inlineIn
        case 1: inlineInner
        default: 0
        }
    }
}
