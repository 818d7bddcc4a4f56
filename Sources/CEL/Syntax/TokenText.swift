/// What the text of a token says.
enum TokenText {
    /// The letters that stand for another one after a backslash.
    static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13,
        UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "\\"): UInt8(ascii: "\\"), UInt8(ascii: "'"): UInt8(ascii: "'"),
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "`"): UInt8(ascii: "`"), UInt8(ascii: "?"): UInt8(ascii: "?"),
    ]

    struct Error: Swift.Error {
        var message: String
    }

    /// Line ends and tabs as their escapes, for a message.
    static func escape(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    static func int(_ text: String, isNegative: Bool) -> Int64? {
        let sign = isNegative ? "-" : ""
        return text.hasPrefix("0x") ? Int64(sign + text.dropFirst(2), radix: 16) : Int64(sign + text)
    }

    static func uint(_ text: String) -> UInt64? {
        let digits = text.dropLast()
        return digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
    }

    static func double(_ text: String) -> Double? { Double(text).flatMap { $0.isInfinite ? nil : $0 } }

    static func string(_ token: ArraySlice<UInt8>) throws(Error) -> String {
        String(decoding: try content(token, isBytes: false), as: UTF8.self)
    }

    static func bytes(_ token: ArraySlice<UInt8>) throws(Error) -> [UInt8] { try content(token.dropFirst(), isBytes: true) }

    /// What is between the quotes, with line ends made one and escapes resolved.
    private static func content(_ token: ArraySlice<UInt8>, isBytes: Bool) throws(Error) -> [UInt8] {
        var token = token
        var isRaw = false
        if let first = token.first, first | 0x20 == UInt8(ascii: "r") {
            isRaw = true
            token = token.dropFirst()
        }
        let quote = token.first ?? 0
        let isTriple = token.count >= 6 && token.prefix(3).allSatisfy { $0 == quote }
        var rest = token.dropFirst(isTriple ? 3 : 1).dropLast(isTriple ? 3 : 1)
        var result: [UInt8] = []
        result.reserveCapacity(rest.count)
        while let byte = rest.popFirst() {
            if byte == 0x0d {
                if rest.first == 0x0a { rest = rest.dropFirst() }
                result.append(0x0a)
            } else if byte == UInt8(ascii: "\\"), !isRaw {
                try escape(&rest, isBytes: isBytes, to: &result)
            } else {
                result.append(byte)
            }
        }
        return result
    }

    /// The rest of an escape, whose form the lexer has seen to. In bytes, numbers stand for bytes and not for characters.
    private static func escape(_ rest: inout ArraySlice<UInt8>, isBytes: Bool, to result: inout [UInt8]) throws(Error) {
        guard let letter = rest.popFirst() else { return }
        if let plain = escapes[letter] { return result.append(plain) }
        let number: UInt32
        switch letter {
        case UInt8(ascii: "x"), UInt8(ascii: "X"): number = digits(&rest, 2, radix: 16)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            if isBytes { throw Error(message: "unable to unescape string") }
            number = digits(&rest, letter == UInt8(ascii: "u") ? 4 : 8, radix: 16)
        default: number = UInt32(letter - UInt8(ascii: "0")) << 6 | digits(&rest, 2, radix: 8)
        }
        if isBytes { return result.append(UInt8(truncatingIfNeeded: number)) }
        guard let scalar = Unicode.Scalar(number) else { throw Error(message: "invalid unicode code point") }
        result += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>, _ count: Int, radix: Int) -> UInt32 {
        defer { rest = rest.dropFirst(count) }
        return UInt32(String(decoding: rest.prefix(count), as: UTF8.self), radix: radix) ?? 0
    }
}
