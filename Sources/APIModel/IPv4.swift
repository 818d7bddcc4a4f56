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

/// A range of IPv4 addresses in CIDR notation.
public struct IPv4Range: Hashable, Sendable, CustomStringConvertible {
    private let network: IPv4Network
    package var base: UInt32 { network.base }
    package var bits: Int { network.bits }
    package var last: UInt32 { network.last }

    /// `nil` unless it is an address and a prefix length from 8 to 30.
    public init?(_ text: String) {
        guard let network = IPv4Network(text), (8...30).contains(network.bits) else { return nil }
        self.network = network
    }

    /// Usable addresses: without the first and the last.
    package var size: UInt32 { UInt32(1) << UInt32(32 - bits) - 2 }
    /// The address at `index`, counted from 1.
    package func address(_ index: UInt32) -> IPv4Address { IPv4Address(base + index) }
    package func contains(_ address: IPv4Address) -> Bool { address.number > base && address.number <= base + size }
    public var description: String { network.description }
    /// The first address, which the `kubernetes` Service has.
    public var firstAddress: String { address(1).description }
}
