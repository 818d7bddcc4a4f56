internal import OrderedCollections

/// Appends YAML text.
struct YAMLWriter {
    private(set) var bytes: [UInt8] = []

    /// Begins where the line stands and ends the line.
    mutating func append(_ value: Value, indent: Int) {
        switch value {
        case .array(let elements) where !elements.isEmpty:
            for (index, element) in elements.enumerated() {
                if index > 0 { pad(indent) }
                bytes += "- ".utf8
                append(element, indent: indent + 2)
            }
        case .object(let fields) where !fields.isEmpty:
            for (index, (name, value)) in fields.enumerated() {
                if index > 0 { pad(indent) }
                append(key: name)
                append(field: value, indent: indent)
            }
        default: append(scalar: value, indent: indent)
        }
    }

    private mutating func append(field value: Value, indent: Int) {
        switch value {
        case .array(let elements) where !elements.isEmpty:
            // Lists stand under their key, not to the right of it.
            bytes.append(UInt8(ascii: "\n"))
            pad(indent)
            append(value, indent: indent)
        case .object(let fields) where !fields.isEmpty:
            bytes.append(UInt8(ascii: "\n"))
            pad(indent + 2)
            append(value, indent: indent + 2)
        default:
            bytes.append(UInt8(ascii: " "))
            append(scalar: value, indent: indent + 2)
        }
    }

    private mutating func pad(_ indent: Int) { bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent)) }

    private mutating func append(key: String) {
        if isPlain(key) { bytes += key.utf8 } else { append(quoted: key) }
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func append(scalar value: Value, indent: Int) {
        switch value {
        case .string(let text) where isBlock(text): append(block: text, indent: indent)
        case .string(let text) where isPlain(text): bytes += text.utf8
        case .string(let text): append(quoted: text)
        // JSON's numbers and empty containers are YAML's too.
        default: JSON.encode(value, into: &bytes)
        }
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
    }

    /// As JSON has it, with escapes also for what YAML takes for an end of line or does not allow.
    private mutating func append(quoted text: String) {
        for scalar in String(decoding: JSON.encode(.string(text)), as: UTF8.self).unicodeScalars {
            if isPrintable(scalar) {
                bytes += String(scalar).utf8
            } else {
                let digits = String(scalar.value, radix: 16)
                bytes += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8
            }
        }
    }

    /// Whether text of several lines can stand as it is. Leading blanks would need a mark, and blanks before an end of line are hard to
    /// see.
    private func isBlock(_ text: String) -> Bool {
        guard let first = text.utf8.first, first != UInt8(ascii: " "), first != UInt8(ascii: "\n"), first != UInt8(ascii: "\t"),
            text.utf8.contains(UInt8(ascii: "\n"))
        else {
            return false
        }
        return text.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || isPrintable($0) }
    }

    private mutating func append(block text: String, indent: Int) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let isEnded = lines.last == ""
        if isEnded { lines.removeLast() }
        bytes += "|".utf8
        if !isEnded { bytes += "-".utf8 } else if lines.last == "" { bytes += "+".utf8 }
        bytes.append(UInt8(ascii: "\n"))
        for line in lines {
            if !line.isEmpty { pad(max(indent, 2)) }
            bytes += line.utf8
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20..<0x7F, 0xA0..<0x2028, 0x202A..<0xD800, 0xE000..<0xFEFF, 0xFF00..<0xFFFE, 0x10000...: true
        default: false
        }
    }

    /// Whether text means itself without quotes.
    private func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, case .string = YAMLScalar.resolve(text) else { return false }
        if "-?:,[]{}#&*!|>'\"%@` =<".utf8.contains(first) || last == UInt8(ascii: " ") || last == UInt8(ascii: ":") { return false }
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars {
            guard isPrintable(scalar), !(previous == ":" && scalar == " "), !(previous == " " && scalar == "#") else { return false }
            previous = scalar
        }
        // A time is a string to us, but not to every reader.
        return Timestamp.parse(text) == nil && !isDate(text)
    }

    private func isDate(_ text: String) -> Bool { Timestamp.parse(text + "T00:00:00Z") != nil }
}
