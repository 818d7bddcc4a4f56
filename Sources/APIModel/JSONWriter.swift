internal import OrderedCollections

/// Appends JSON text to bytes. The order of fields is kept; numbers and escapes are as Go writes them, without its escapes for HTML.
struct JSONWriter {
    var bytes: [UInt8]

    mutating func append(_ value: Value) {
        switch value {
        case .null: append(raw: "null")
        case .bool(let bool): append(raw: bool ? "true" : "false")
        case .int(let int): append(int)
        case .double(let double): append(double)
        case .string(let string): append(quoted: string)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            var isFirst = true
            for element in elements {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                append(element)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let fields):
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for (name, value) in fields {
                append(name: name, isFirst: isFirst)
                isFirst = false
                append(value)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    mutating func append(raw text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(name: String, isFirst: Bool) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        append(quoted: name)
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func append(_ int: Int64) {
        if 0..<10 ~= int {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: int))
            return
        }
        // From the last digit to the first, in the room of the longest.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = int.magnitude
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if int < 0 { bytes.append(UInt8(ascii: "-")) }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    /// The shortest digits that give the number back, in Go's choice of form: an exponent only from 1e21 on and below 1e-6. JSON has no
    /// word for what is not finite.
    mutating func append(_ double: Double) {
        guard double.isFinite else { return append(raw: "null") }
        if abs(double) < 1e15, let int = Int64(exactly: double), double != 0 || double.sign == .plus { return append(int) }
        let parts = DecimalDigits(double)
        if double.sign == .minus { bytes.append(UInt8(ascii: "-")) }
        let count = parts.digits.count
        switch parts.point {
        case 22..., ..<(-5):
            bytes.append(parts.digits[0])
            if count > 1 {
                bytes.append(UInt8(ascii: "."))
                bytes += parts.digits[1...]
            }
            bytes.append(UInt8(ascii: "e"))
            bytes.append(parts.point > 0 ? UInt8(ascii: "+") : UInt8(ascii: "-"))
            append(Int64(abs(parts.point - 1)))
        case ..<1:
            append(raw: "0.")
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -parts.point))
            bytes += parts.digits
        case let point where point >= count:
            bytes += parts.digits
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: point - count))
        case let point:
            bytes += parts.digits[..<point]
            bytes.append(UInt8(ascii: "."))
            bytes += parts.digits[point...]
        }
    }

    /// A number as 0.`digits` × 10^`point`.
    private struct DecimalDigits {
        var digits: [UInt8] = []
        var point = 0

        init(_ double: Double) {
            var exponent = 0
            var isFraction = false
            // Swift's own description has the shortest digits, in a form such as `1.5e-07` or `1234.5`.
            let text = double.magnitude.description
            if let e = text.utf8.firstIndex(of: UInt8(ascii: "e")) { exponent = Int(text[text.index(after: e)...]) ?? 0 }
            for byte in text.utf8.prefix(while: { $0 != UInt8(ascii: "e") }) {
                if byte == UInt8(ascii: ".") {
                    isFraction = true
                } else if digits.isEmpty && byte == UInt8(ascii: "0") {
                    if isFraction { point -= 1 }
                } else {
                    digits.append(byte)
                    if !isFraction { point += 1 }
                }
            }
            point += exponent
            while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
            if digits.isEmpty { (digits, point) = ([UInt8(ascii: "0")], 1) }
        }
    }

    mutating func append(quoted string: String) {
        bytes.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { text in
            var start = 0
            for index in text.indices {
                let byte = text[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
                append(escaped: byte)
                start = index + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(escaped byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append(raw: "\\\"")
        case UInt8(ascii: "\\"): append(raw: "\\\\")
        case 0x08: append(raw: "\\b")
        case 0x09: append(raw: "\\t")
        case 0x0A: append(raw: "\\n")
        case 0x0C: append(raw: "\\f")
        case 0x0D: append(raw: "\\r")
        default:
            append(raw: "\\u00")
            for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10) }
        }
    }
}
