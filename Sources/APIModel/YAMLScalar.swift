/// What a plain scalar means: the table of go-yaml's YAML 1.1, which has `yes` and `on`, and octal numbers with a bare zero.
enum YAMLScalar {
    private static let words: [String: Value] = {
        var words: [String: Value] = ["": .null, "~": .null, "null": .null, "Null": .null, "NULL": .null]
        for word in ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"] { words[word] = true }
        for word in ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"] { words[word] = false }
        for word in [".nan", ".NaN", ".NAN"] { words[word] = .double(.nan) }
        for sign in ["", "+", "-"] {
            for word in [".inf", ".Inf", ".INF"] { words[sign + word] = .double(sign == "-" ? -.infinity : .infinity) }
        }
        return words
    }()

    static func resolve(_ text: String) -> Value {
        if let word = words[text] { return word }
        guard let first = text.utf8.first, isDigit(first) || [UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains(first)
        else { return .string(text) }
        return number(text) ?? .string(text)
    }

    /// A whole number in base 10, 16 (`0x`), 8 (`0`, `0o`) or 2 (`0b`), or a decimal fraction; underscores are for the eye.
    static func number(_ text: String) -> Value? {
        let plain = text.utf8.filter { $0 != UInt8(ascii: "_") }
        if let int = integer(plain) { return .int(int) }
        guard isDecimal(plain), let double = Double(String(decoding: plain, as: UTF8.self)) else { return nil }
        return .double(double)
    }

    private static func integer(_ plain: [UInt8]) -> Int64? {
        var digits = plain[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        var radix = 10
        if digits.count > 1, digits.first == UInt8(ascii: "0") {
            let prefixes: [UInt8: Int] = [
                UInt8(ascii: "x"): 16, UInt8(ascii: "X"): 16, UInt8(ascii: "o"): 8, UInt8(ascii: "O"): 8, UInt8(ascii: "b"): 2,
                UInt8(ascii: "B"): 2,
            ]
            let prefix = prefixes[digits[digits.startIndex + 1]]
            digits = digits.dropFirst(prefix == nil ? 1 : 2)
            radix = prefix ?? 8
        }
        guard let first = digits.first, isDigit(first) || (radix == 16 && first > UInt8(ascii: "9")) else { return nil }
        return Int64((isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self), radix: radix)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isDecimal(_ plain: [UInt8]) -> Bool {
        var rest = plain[...]
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            if whole.isEmpty && fraction.isEmpty { return false }
            rest = rest.dropFirst(1 + fraction.count)
        } else if whole.isEmpty {
            return false
        }
        guard let e = rest.first else { return true }
        guard e == UInt8(ascii: "e") || e == UInt8(ascii: "E") else { return false }
        rest = rest.dropFirst()
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
