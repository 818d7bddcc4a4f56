internal import APIModel

/// Reads IP addresses as Go's `net/netip` does, because what is wrong with one is told in its words.
enum IPReader {
    struct Failure: Error {
        var message: String
    }

    /// - Returns: the address, and the interface that an IPv6 address was written for.
    static func read(_ text: String) throws(Failure) -> (address: IPAddress, zone: String) {
        switch text.utf8.first(where: { ".:%".utf8.contains($0) }) {
        case UInt8(ascii: "."): return (address(try four(text, text[...])), "")
        case UInt8(ascii: ":"):
            let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
            let zone = parts.count > 1 ? String(parts[1]) : ""
            if parts.count > 1, zone.isEmpty { throw fail(text, "zone must be a non-empty string") }
            return (address(try sixteen(text, parts[0])), zone)
        case UInt8(ascii: "%"): throw fail(text, "missing IPv6 address")
        default: throw fail(text, "unable to parse IP")
        }
    }

    private static func address(_ bytes: [UInt8]) -> IPAddress {
        guard let address = IPAddress(bytes: bytes) else { preconditionFailure("an address was read as \(bytes.count) bytes") }
        return address
    }

    private static func fail(_ text: String, _ problem: String, at rest: Substring? = nil) -> Failure {
        let place = rest.map { $0.isEmpty ? "" : " (at \(GoQuote.quote(String($0))))" } ?? ""
        return Failure(message: "ParseAddr(\(GoQuote.quote(text))): \(problem)\(place)")
    }

    private static func four(_ text: String, _ fields: Substring) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = fields
        while true {
            let digits = rest.prefix(while: \.isASCIIDigit)
            let after = rest.dropFirst(digits.count)
            if let odd = after.first, odd != "." { throw fail(text, "unexpected character", at: after) }
            if digits.isEmpty { throw fail(text, "IPv4 field must have at least one digit", at: rest) }
            if digits.count > 1, digits.hasPrefix("0") { throw fail(text, "IPv4 field has octet with leading zero") }
            guard let byte = UInt8(digits) else { throw fail(text, "IPv4 field has value >255") }
            bytes.append(byte)
            if after.isEmpty { break }
            if bytes.count == 4 { throw fail(text, "IPv4 address too long") }
            rest = after.dropFirst()
        }
        if bytes.count < 4 { throw fail(text, "IPv4 address too short") }
        return bytes
    }

    private static func sixteen(_ text: String, _ fields: Substring) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        /// How many bytes stand before the `::`.
        var gap: Int?
        var rest = fields
        if rest.hasPrefix("::") {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty, bytes.count < 16 {
            let digits = rest.prefix { $0.isASCII && $0.isHexDigit }
            if digits.count > 4 { throw fail(text, "each group must have 4 or less digits", at: rest) }
            if digits.isEmpty { throw fail(text, "each colon-separated field must have at least one digit", at: rest) }
            var after = rest.dropFirst(digits.count)
            if after.hasPrefix(".") {
                if gap == nil, bytes.count != 12 {
                    throw fail(text, "embedded IPv4 address must replace the final 2 fields of the address", at: rest)
                }
                if bytes.count + 4 > 16 {
                    throw fail(text, "too many hex fields to fit an embedded IPv4 at the end of the address", at: rest)
                }
                bytes += try four(text, rest)
                rest = ""
                break
            }
            let group = UInt16(digits, radix: 16) ?? 0
            bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
            if after.isEmpty {
                rest = ""
                break
            }
            guard after.hasPrefix(":") else { throw fail(text, "unexpected character, want colon", at: after) }
            if after.count == 1 { throw fail(text, "colon must be followed by more characters", at: after) }
            after = after.dropFirst()
            if after.hasPrefix(":") {
                if gap != nil { throw fail(text, "multiple :: in address", at: after) }
                gap = bytes.count
                after = after.dropFirst()
            }
            rest = after
        }
        if !rest.isEmpty { throw fail(text, "trailing garbage after address", at: rest) }
        guard bytes.count < 16 else {
            if gap != nil { throw fail(text, "the :: must expand to at least one field of zeros") }
            return bytes
        }
        guard let gap else { throw fail(text, "address string too short") }
        bytes.insert(contentsOf: repeatElement(0, count: 16 - bytes.count), at: gap)
        return bytes
    }
}
