/// Cuts the text of an expression into tokens.
///
/// Text that is no token is reported and left out, as far as it could have become one.
struct Lexer {
    private let bytes: [UInt8]
    private let source: SourceText
    private var index = 0
    private(set) var issues = Issues()

    init(_ source: SourceText) {
        self.source = source
        bytes = source.bytes
    }

    /// All tokens, the last of which is `.end`.
    mutating func tokens() -> [Token] {
        var tokens: [Token] = []
        while let token = next() { tokens.append(token) }
        return tokens + [Token(kind: .end, range: bytes.count..<bytes.count)]
    }

    private mutating func next() -> Token? {
        while skipSpace(), index < bytes.count {
            let start = index
            // Where no token can be made of the text, `end` is where that became clear.
            switch scan(from: start) {
            case .token(let kind, let end):
                index = end
                return Token(kind: kind, range: start..<end)
            case .failure(let end):
                index = min(afterScalar(at: end), bytes.count)
                issues.report("Syntax error: token recognition error at: '\(TokenText.escape(source.text(start..<index)))'", at: start)
            }
        }
        return nil
    }

    private enum Scan {
        case token(TokenKind, end: Int)
        case failure(at: Int)
    }

    /// Always true: for the loop above.
    private mutating func skipSpace() -> Bool {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0a, 0x0c, 0x0d: index += 1
            case UInt8(ascii: "/") where byte(index + 1) == UInt8(ascii: "/"):
                while index < bytes.count, bytes[index] != 0x0a { index += 1 }
            default: return true
            }
        }
        return true
    }

    private func byte(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private func afterScalar(at index: Int) -> Int {
        var end = index + 1
        while let byte = byte(end), byte & 0xc0 == 0x80 { end += 1 }
        return end
    }

    private func scan(from start: Int) -> Scan {
        let first = bytes[start]
        if Self.isLetter(first) { return word(from: start) }
        if Self.isDigit(first) || (first == UInt8(ascii: ".") && byte(start + 1).map(Self.isDigit) == true) { return number(from: start) }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") { return string(from: start, kind: .string) }
        if first == UInt8(ascii: "`") { return escapedIdentifier(from: start) }
        for sign in TokenKind.signs where bytes[start...].starts(with: sign.text) { return .token(sign.kind, end: start + sign.text.count) }
        // The first half of a sign fails at what follows it.
        let isHalf = first == UInt8(ascii: "=") || first == UInt8(ascii: "&") || first == UInt8(ascii: "|")
        return .failure(at: isHalf ? start + 1 : start)
    }

    // MARK: Words

    /// An identifier, a keyword, or a string with a prefix.
    private func word(from start: Int) -> Scan {
        if let literal = prefixedString(from: start) { return literal }
        var end = start
        while let byte = byte(end), Self.isLetter(byte) || Self.isDigit(byte) { end += 1 }
        return .token(TokenKind.keywords[source.text(start..<end)] ?? .identifier, end: end)
    }

    /// A string after `r`, `b` or `br`. A quote that is never closed leaves the prefix an identifier.
    private func prefixedString(from start: Int) -> Scan? {
        var quote = start
        var kind = TokenKind.string
        if bytes[quote] | 0x20 == UInt8(ascii: "b") {
            kind = .bytes
            quote += 1
        }
        var isRaw = false
        if let byte = byte(quote), byte | 0x20 == UInt8(ascii: "r") {
            isRaw = true
            quote += 1
        }
        guard let byte = byte(quote), byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'"), quote > start,
            case .token(_, let end) = string(from: quote, kind: kind, isRaw: isRaw)
        else { return nil }
        return .token(kind, end: end)
    }

    private func escapedIdentifier(from start: Int) -> Scan {
        var end = start + 1
        while let byte = byte(end), Self.isLetter(byte) || Self.isDigit(byte) || [0x2e, 0x2d, 0x2f, 0x20].contains(byte) { end += 1 }
        return byte(end) == UInt8(ascii: "`") && end > start + 1 ? .token(.escapedIdentifier, end: end + 1) : .failure(at: end)
    }

    // MARK: Numbers

    private func number(from start: Int) -> Scan {
        if bytes[start] == UInt8(ascii: "0"), byte(start + 1) == UInt8(ascii: "x"), byte(start + 2).map(Self.isHexDigit) == true {
            var end = start + 2
            while let byte = byte(end), Self.isHexDigit(byte) { end += 1 }
            return unsigned(.int, end: end)
        }
        var end = digits(from: start)
        var isFloat = false
        if byte(end) == UInt8(ascii: "."), byte(end + 1).map(Self.isDigit) == true {
            isFloat = true
            end = digits(from: end + 1)
        }
        if let byte = byte(end), byte | 0x20 == UInt8(ascii: "e") {
            var exponent = end + 1
            if let sign = self.byte(exponent), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { exponent += 1 }
            if self.byte(exponent).map(Self.isDigit) == true {
                isFloat = true
                end = digits(from: exponent)
            }
        }
        return isFloat ? .token(.float, end: end) : unsigned(.int, end: end)
    }

    private func unsigned(_ kind: TokenKind, end: Int) -> Scan {
        if let byte = byte(end), byte | 0x20 == UInt8(ascii: "u") { return .token(.uint, end: end + 1) }
        return .token(kind, end: end)
    }

    private func digits(from start: Int) -> Int {
        var end = start
        while let byte = byte(end), Self.isDigit(byte) { end += 1 }
        return end
    }

    // MARK: Strings

    private func string(from start: Int, kind: TokenKind, isRaw: Bool = false) -> Scan {
        let quote = bytes[start]
        if byte(start + 1) == quote, byte(start + 2) == quote {
            if case .token(_, let end) = body(from: start + 3, quote: quote, isTriple: true, isRaw: isRaw) { return .token(kind, end: end) }
            // Two of the three quotes are an empty string.
            return .token(kind, end: start + 2)
        }
        switch body(from: start + 1, quote: quote, isTriple: false, isRaw: isRaw) {
        case .token(_, let end): return .token(kind, end: end)
        case .failure(let end): return .failure(at: end)
        }
    }

    private func body(from start: Int, quote: UInt8, isTriple: Bool, isRaw: Bool) -> Scan {
        var index = start
        while let byte = byte(index) {
            if byte == quote, !isTriple || (self.byte(index + 1) == quote && self.byte(index + 2) == quote) {
                return .token(.string, end: index + (isTriple ? 3 : 1))
            }
            if !isTriple, byte == 0x0a || byte == 0x0d { return .failure(at: index) }
            if byte == UInt8(ascii: "\\"), !isRaw {
                switch escape(from: index) {
                case .token(_, let end): index = end
                case .failure(let end): return .failure(at: end)
                }
            } else {
                index += 1
            }
        }
        return .failure(at: bytes.count)
    }

    /// One escape sequence: a letter, three octal digits, or two, four or eight hexadecimal ones.
    private func escape(from start: Int) -> Scan {
        guard let letter = byte(start + 1) else { return .failure(at: bytes.count) }
        let count: Int
        var isDigit = Self.isHexDigit
        switch letter {
        case UInt8(ascii: "x"), UInt8(ascii: "X"): count = 2
        case UInt8(ascii: "u"): count = 4
        case UInt8(ascii: "U"): count = 8
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            count = 2
            isDigit = { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        case _ where TokenText.escapes.keys.contains(letter): count = 0
        default: return .failure(at: start + 1)
        }
        for position in start + 2..<start + 2 + count {
            guard let digit = byte(position), isDigit(digit) else { return .failure(at: position) }
        }
        return .token(.string, end: start + 2 + count)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20) }
}
