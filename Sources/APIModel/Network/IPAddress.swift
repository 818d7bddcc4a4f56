/// An address of IPv4 or of IPv6, as a number. Those of IPv4 come before those of IPv6.
///
/// Its text is canonical: small letters, no zeros too many, and `::` for the longest run of them (RFC 5952).
public struct IPAddress: Hashable, Sendable, Comparable, LosslessStringConvertible, OfIPFamily {
    public let family: IPFamily
    /// Its first byte is the highest. Of IPv4 the low 32 bits are used.
    public let number: UInt128

    /// - Parameter number: what it has more than an address of the family is cut off.
    public init(_ family: IPFamily, _ number: UInt128) {
        self.family = family
        self.number = number & family.greatest
    }

    /// `nil` for what is no address. An address of IPv4 that is written as one of IPv6, `::ffff:192.0.2.1`, is that of IPv4.
    public init?(_ text: String) {
        guard let bytes = IPLiteral.bytes(text) else { return nil }
        self.init(bytes: bytes)
    }

    /// - Parameter bytes: 4 or 16, in the order of the network; `nil` for any other number of them.
    public init?(bytes: some Collection<UInt8>) {
        guard let family = IPFamily.allCases.first(where: { $0.bits == 8 * bytes.count }) else { return nil }
        self.init(family, bytes.reduce(0) { $0 << 8 | UInt128($1) })
    }

    /// 4 or 16, in the order of the network.
    public var bytes: [UInt8] {
        stride(from: family.bits - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt128($0)) }
    }

    public static func < (one: IPAddress, other: IPAddress) -> Bool {
        one.family == other.family ? one.number < other.number : one.family == .ipv4
    }

    public var description: String {
        guard family == .ipv6 else { return bytes.map { String($0) }.joined(separator: ".") }
        let groups = stride(from: 112, through: 0, by: -16).map { UInt16(truncatingIfNeeded: number >> UInt128($0)) }
        let gap = Self.longestRunOfZeros(groups)
        let text = { (groups: ArraySlice<UInt16>) in groups.map { String($0, radix: 16) }.joined(separator: ":") }
        return gap.isEmpty ? text(groups[...]) : "\(text(groups[..<gap.lowerBound]))::\(text(groups[gap.upperBound...]))"
    }

    /// The first of the longest; empty where there is none of two or more.
    private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        while start < groups.count {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start >= 2, end - start > longest.count { longest = start..<end }
            start = max(end, start + 1)
        }
        return longest
    }
}
