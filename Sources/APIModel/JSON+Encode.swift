internal import OrderedCollections

extension JSON {
    /// Compact text, fields in their order.
    public static func encode(_ value: Value) -> [UInt8] {
        var writer = JSONWriter(bytes: [])
        writer.bytes.reserveCapacity(1024)
        writer.append(value)
        return writer.bytes
    }

    /// Appends compact text.
    public static func encode(_ value: Value, into bytes: inout [UInt8]) {
        var writer = JSONWriter(bytes: [])
        swap(&writer.bytes, &bytes)
        writer.append(value)
        swap(&writer.bytes, &bytes)
    }

    /// How many bytes the compact text has, or more than `limit` where it has more than that; escapes are not counted.
    static func size(of value: Value, upTo limit: Int) -> Int {
        switch value {
        case .null, .bool, .int, .double: return 4
        case .string(let string): return string.utf8.count + 2
        case .array(let elements):
            var size = 2
            for element in elements where size <= limit { size += self.size(of: element, upTo: limit - size) + 1 }
            return size
        case .object(let fields):
            var size = 2
            for (name, value) in fields where size <= limit { size += name.utf8.count + 4 + self.size(of: value, upTo: limit - size) }
            return size
        }
    }

    /// Text for people: a line for each field and element, indented by two spaces, as Go's `MarshalIndent` has it.
    public static func encodePretty(_ value: Value) -> [UInt8] {
        var writer = JSONWriter(bytes: [])
        writer.append(pretty: value, indent: 0)
        return writer.bytes
    }

    /// Encodes an object leaving its metadata.resourceVersion's digits out; the offset is where they go, between the quotes.
    ///
    /// metadata.resourceVersion is written even when the object has none, and so is metadata. Anything but an object is a programmer error.
    public static func encodeForStore(_ object: Value) -> (bytes: [UInt8], resourceVersionOffset: Int) {
        guard case .object(let fields) = object else { preconditionFailure("only objects are stored") }
        var writer = JSONWriter(bytes: [])
        writer.bytes.reserveCapacity(1024)
        var offset = 0
        writer.bytes.append(UInt8(ascii: "{"))
        for (index, (name, value)) in fields.enumerated() {
            writer.append(name: name, isFirst: index == 0)
            if name == "metadata" { offset = writer.append(metadata: value.fields) } else { writer.append(value) }
        }
        if offset == 0 {
            writer.append(name: "metadata", isFirst: fields.isEmpty)
            offset = writer.append(metadata: [:])
        }
        writer.bytes.append(UInt8(ascii: "}"))
        return (writer.bytes, offset)
    }
}

extension JSONWriter {
    /// Returns where the resourceVersion goes.
    fileprivate mutating func append(metadata fields: Value.Fields) -> Int {
        var offset = 0
        bytes.append(UInt8(ascii: "{"))
        for (index, (name, value)) in fields.enumerated() {
            append(name: name, isFirst: index == 0)
            if name == "resourceVersion" { offset = appendEmptyQuotes() } else { append(value) }
        }
        if offset == 0 {
            append(name: "resourceVersion", isFirst: fields.isEmpty)
            offset = appendEmptyQuotes()
        }
        bytes.append(UInt8(ascii: "}"))
        return offset
    }

    private mutating func appendEmptyQuotes() -> Int {
        append(raw: "\"\"")
        return bytes.count - 1
    }

    fileprivate mutating func append(pretty value: Value, indent: Int) {
        switch value {
        case .array(let elements) where !elements.isEmpty:
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                appendLine(indent: indent + 1)
                append(pretty: element, indent: indent + 1)
            }
            appendLine(indent: indent)
            bytes.append(UInt8(ascii: "]"))
        case .object(let fields) where !fields.isEmpty:
            bytes.append(UInt8(ascii: "{"))
            for (index, (name, value)) in fields.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                appendLine(indent: indent + 1)
                append(quoted: name)
                append(raw: ": ")
                append(pretty: value, indent: indent + 1)
            }
            appendLine(indent: indent)
            bytes.append(UInt8(ascii: "}"))
        default: append(value)
        }
    }

    private mutating func appendLine(indent: Int) {
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * 2))
    }
}
