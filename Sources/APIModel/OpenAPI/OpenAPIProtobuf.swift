import OrderedCollections

/// The OpenAPI v2 document as protobuf, which is the only form that `kubectl` before 1.27 reads.
///
/// Numbers: gnostic's `openapiv2/OpenAPIv2.proto`. What a client checks objects against and explains them by is there: the definitions.
/// Paths are left out.
enum OpenAPIProtobuf {
    static func encode(_ document: Value) -> [UInt8] {
        var info = Message()
        info.add(1, document["info"]["title"].string)
        info.add(2, document["info"]["version"].string)
        var all = Message()
        all.add(1, document["swagger"].string)
        all.add(2, info)
        all.add(8, Message())
        all.add(9, named(document["definitions"]))
        return all.bytes
    }

    /// `repeated NamedSchema additional_properties`
    private static func named(_ schemas: Value) -> Message {
        var all = Message()
        for (name, value) in schemas.fields {
            var entry = Message()
            entry.add(1, name)
            entry.add(2, schema(value))
            all.add(1, entry)
        }
        return all
    }

    private static func schema(_ value: Value) -> Message {
        var message = Message()
        message.add(1, value["$ref"].string)
        message.add(2, value["format"].string)
        message.add(4, value["description"].string)
        for name in value["required"].elements { message.add(19, name.string) }
        if !value["additionalProperties"].isNull { message.add(21, wrapped(schema(value["additionalProperties"]))) }
        if let type = value["type"].string {
            var item = Message()
            item.add(1, type)
            message.add(22, item)
        }
        if !value["items"].isNull { message.add(23, wrapped(schema(value["items"]))) }
        for part in value["allOf"].elements { message.add(24, schema(part)) }
        if !value["properties"].isNull { message.add(25, named(value["properties"])) }
        for (name, extra) in value.fields where name.hasPrefix("x-") {
            var any = Message()
            // JSON is YAML.
            any.add(2, String(decoding: JSON.encode(extra), as: UTF8.self))
            var entry = Message()
            entry.add(1, name)
            entry.add(2, any)
            message.add(31, entry)
        }
        return message
    }

    /// The one alternative of a `oneof` that is used here.
    private static func wrapped(_ message: Message) -> Message {
        var outer = Message()
        outer.add(1, message)
        return outer
    }

    /// A message of strings and messages.
    private struct Message {
        var bytes: [UInt8] = []

        mutating func add(_ number: UInt64, _ text: String?) {
            if let text { add(number, Array(text.utf8)) }
        }

        mutating func add(_ number: UInt64, _ message: Message) { add(number, message.bytes) }

        private mutating func add(_ number: UInt64, _ content: [UInt8]) {
            varint(number << 3 | ProtobufWire.delimited.rawValue)
            varint(UInt64(content.count))
            bytes += content
        }

        private mutating func varint(_ value: UInt64) {
            var rest = value
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }
}
