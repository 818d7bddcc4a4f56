/// An IPv4 address as a number.
package struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
    package var number: UInt32

    package init(_ number: UInt32) { self.number = number }

    /// `nil` unless it is four decimal numbers without leading zeros.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        number = 0
        for part in parts {
            guard let byte = UInt8(part), part == String(byte) else { return nil }
            number = number << 8 | UInt32(byte)
        }
    }

    package var description: String { "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)" }
}

/// A network of IPv4 in CIDR notation, of any size.
package struct IPv4Network: Hashable, Sendable, CustomStringConvertible {
    /// Without what the prefix leaves open.
    package let base: UInt32
    /// Of the prefix, 0 to 32.
    package let bits: Int

    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]), let bits = Int(parts[1]), (0...32).contains(bits) else { return nil }
        self.bits = bits
        base = address.number & ~Self.rest(bits)
    }

    /// What the prefix leaves open.
    private static func rest(_ bits: Int) -> UInt32 { UInt32.max >> bits }

    /// Its last address.
    package var last: UInt32 { base | Self.rest(bits) }
    package var description: String { "\(IPv4Address(base))/\(bits)" }
}
