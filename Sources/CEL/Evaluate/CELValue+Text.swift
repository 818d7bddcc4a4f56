extension CELValue: CustomStringConvertible {
    /// As a literal of the language: `[1, "a", duration("5s")]`.
    public var description: String {
        var text = ""
        write(to: &text)
        return text
    }

    /// Text longer than this ends there.
    private static let longestDescription = 100_000

    private func write(to text: inout String) {
        if text.utf8.count > Self.longestDescription { return }
        switch self {
        case .null: text += "null"
        case .bool(let bool): text += String(bool)
        case .int(let int): text += String(int)
        case .uint(let uint): text += "\(uint)u"
        case .double(let double): text += Self.literal(double)
        case .string(let string): text += GoQuote.quote(string)
        case .bytes(let bytes): text += "b" + GoQuote.quote(bytes)
        case .duration(let duration): text += "duration(\"\(duration)\")"
        case .timestamp(let timestamp): text += "timestamp(\"\(timestamp)\")"
        case .type(let name): text += name
        case .object(let object): text += object.description
        case .optional(let optional):
            guard let value = optional.value else {
                text += "optional.none()"
                return
            }
            text += "optional.of("
            value.write(to: &text)
            text += ")"
        case .list(let list):
            text += "["
            for (index, element) in ((try? list.values()) ?? []).enumerated() {
                if index > 0 { text += ", " }
                element.write(to: &text)
            }
            text += "]"
        case .map(let map):
            let entries = map.keys().map { key in (key.description, (try? map.find(key))?.map(\.description) ?? "null") }
            text += "{" + entries.sorted { $0.0 < $1.0 }.map { "\($0): \($1)" }.joined(separator: ", ") + "}"
        }
    }

    private static func literal(_ double: Double) -> String {
        if double.isNaN { return "double(\"NaN\")" }
        if double.isInfinite { return double < 0 ? "double(\"-Infinity\")" : "double(\"Infinity\")" }
        let text = NumberText.plain(double)
        return text.contains(".") ? text : text + ".0"
    }

    /// As a message shows it: a string as it is, all else as a literal.
    var text: String {
        switch self {
        case .string(let text): text
        case .uint(let uint): String(uint)
        case .double(let double): NumberText.shortest(double)
        default: description
        }
    }
}

/// Text in quotes as Go's `%q` writes it.
enum GoQuote {
    static func quote(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "\"") { $0 += escape($1) } + "\""
    }

    /// Bytes that are no text are written as `\xff`.
    static func quote(_ bytes: [UInt8]) -> String {
        var result = "\""
        var decoder = UTF8()
        var index = 0
        while index < bytes.count {
            var rest = bytes[index...].makeIterator()
            if case .scalarValue(let scalar) = decoder.decode(&rest) {
                result += escape(scalar)
                index += UTF8.width(scalar)
            } else {
                result += "\\x" + hex(UInt32(bytes[index]), 2)
                index += 1
            }
            decoder = UTF8()
        }
        return result + "\""
    }

    private static let letters: [Unicode.Scalar: String] = [
        "\"": "\\\"", "\\": "\\\\", "\u{07}": "\\a", "\u{08}": "\\b", "\u{0c}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
        "\u{0b}": "\\v",
    ]

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        if let letter = letters[scalar] { return letter }
        if scalar.value < 0x20 || scalar.value == 0x7f { return "\\x" + hex(scalar.value, 2) }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
            return scalar.value > 0xffff ? "\\U" + hex(scalar.value, 8) : "\\u" + hex(scalar.value, 4)
        case .spaceSeparator where scalar != " ": return "\\u" + hex(scalar.value, 4)
        default: return String(scalar)
        }
    }

    private static func hex(_ number: UInt32, _ digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(digits - text.count, 0)) + text
    }
}
