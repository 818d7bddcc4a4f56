/// A family of IP addresses, in the words of the API.
public enum IPFamily: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case ipv4 = "IPv4"
    case ipv6 = "IPv6"

    /// How many bits its addresses have.
    public var bits: Int { self == .ipv4 ? 32 : 128 }
    public var other: IPFamily { self == .ipv4 ? .ipv6 : .ipv4 }
    /// The greatest of its addresses as a number.
    var greatest: UInt128 { self == .ipv4 ? UInt128(UInt32.max) : .max }
    public var description: String { rawValue }
}

/// What belongs to one family: an address, a network.
public protocol OfIPFamily {
    var family: IPFamily { get }
}
