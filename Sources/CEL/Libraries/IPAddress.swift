/// An IP address, four bytes or sixteen.
struct IPAddress: Sendable, Hashable {
    let bytes: [UInt8]
    /// The interface that an IPv6 address was written for.
    let zone: String

    struct ParseError: Error {
        var message: String
    }

    init(bytes: [UInt8]) {
        self.bytes = bytes
        zone = ""
    }

    /// - Throws: what is wrong, in the words of Go's `net/netip`.
    init(_ text: String) throws(ParseError) {
        switch text.utf8.first(where: { ".:%".utf8.contains($0) }) {
        case UInt8(ascii: "."):
            bytes = try Self.four(text, text[...])
            zone = ""
        case UInt8(ascii: ":"):
            let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
            zone = parts.count > 1 ? String(parts[1]) : ""
            if parts.count > 1, zone.isEmpty { throw Self.fail(text, "zone must be a non-empty string") }
            bytes = try Self.sixteen(text, parts[0])
        case UInt8(ascii: "%"): throw Self.fail(text, "missing IPv6 address")
        default: throw Self.fail(text, "unable to parse IP")
        }
    }

    private static func fail(_ text: String, _ problem: String, at rest: Substring? = nil) -> ParseError {
        let place = rest.map { $0.isEmpty ? "" : " (at \(GoQuote.quote(String($0))))" } ?? ""
        return ParseError(message: "ParseAddr(\(GoQuote.quote(text))): \(problem)\(place)")
    }

    private static func four(_ text: String, _ fields: Substring) throws(ParseError) -> [UInt8] {
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

    private static func sixteen(_ text: String, _ fields: Substring) throws(ParseError) -> [UInt8] {
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

    // MARK: What it is

    var isIPv4: Bool { bytes.count == 4 }
    /// Whether it is an IPv4 address written as an IPv6 one.
    var isMapped: Bool { bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff }
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    var isLoopback: Bool { isIPv4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1 }
    private var isMulticast: Bool { isIPv4 ? bytes[0] & 0xf0 == 0xe0 : bytes[0] == 0xff }
    var isLinkLocalMulticast: Bool { isIPv4 ? bytes[..<3] == [224, 0, 0] : bytes[0] == 0xff && bytes[1] & 0x0f == 0x02 }
    var isLinkLocalUnicast: Bool { isIPv4 ? bytes[..<2] == [169, 254] : bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 }
    var isGlobalUnicast: Bool {
        !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast && !(isIPv4 && bytes.allSatisfy { $0 == 255 })
    }

    /// The first `count` bits, the others zero.
    func masked(to count: Int) -> IPAddress {
        IPAddress(
            bytes: bytes.enumerated().map { index, byte in
                let kept = min(max(count - index * 8, 0), 8)
                return kept == 0 ? 0 : byte & (0xff << UInt8(8 - kept))
            })
    }

    /// The canonical form: small letters, and `::` for the longest run of zeros.
    var text: String {
        if isIPv4 { return bytes.map { String($0) }.joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var gap = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start >= 2, end - start > gap.count { gap = start..<end }
            start = max(end, start + 1)
        }
        let hex = { (groups: ArraySlice<UInt16>) in groups.map { String($0, radix: 16) }.joined(separator: ":") }
        if gap.isEmpty { return hex(groups[...]) }
        return hex(groups[..<gap.lowerBound]) + "::" + hex(groups[gap.upperBound...])
    }
}

/// A range of addresses: `192.168.0.0/16`.
struct IPPrefix: Sendable, Hashable {
    let address: IPAddress
    let length: Int

    init(_ address: IPAddress, length: Int) {
        self.address = address
        self.length = length
    }

    /// - Throws: what is wrong, in the words of Go's `net/netip`.
    init(_ text: String) throws(IPAddress.ParseError) {
        func fail(_ problem: String) -> IPAddress.ParseError {
            IPAddress.ParseError(message: "netip.ParsePrefix(\(GoQuote.quote(text))): \(problem)")
        }
        guard let slash = text.lastIndex(of: "/") else { throw fail("no '/'") }
        do throws(IPAddress.ParseError) { address = try IPAddress(String(text[..<slash])) } catch { throw fail(error.message) }
        if !address.zone.isEmpty { throw fail("IPv6 zones cannot be present in a prefix") }
        let bits = text[text.index(after: slash)...]
        let isNumber = !bits.isEmpty && bits.allSatisfy(\.isASCIIDigit) && (bits.count == 1 || !bits.hasPrefix("0"))
        guard isNumber, let length = Int(bits) else { throw fail("bad bits after slash: \(GoQuote.quote(String(bits)))") }
        guard length <= address.bytes.count * 8 else { throw fail("prefix length out of range") }
        self.length = length
    }

    func contains(_ other: IPAddress) -> Bool {
        other.bytes.count == address.bytes.count && other.masked(to: length) == address.masked(to: length)
    }
    func contains(_ other: IPPrefix) -> Bool { contains(other.address) && length <= other.length }

    var text: String { "\(address.text)/\(length)" }
}
