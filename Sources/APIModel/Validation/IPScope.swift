/// What an IP address is for, as far as its bits tell; an IPv4 address in the form of an IPv6 one is the IPv4 address.
public enum IPScope: Sendable, Hashable {
    case unspecified, loopback, linkLocal, linkLocalMulticast, multicast, broadcast
    /// Any other address, those of private networks included.
    case globalUnicast

    /// `nil` for what is no address.
    public init?(_ text: String) {
        guard let bytes = IPLiteral.bytes(text) else { return nil }
        self = bytes.count == 4 ? Self.ipv4(bytes) : Self.ipv6(bytes)
    }

    private static func ipv4(_ bytes: [UInt8]) -> IPScope {
        switch (bytes[0], bytes[1], bytes[2]) {
        case (127, _, _): .loopback
        case (169, 254, _): .linkLocal
        case (224, 0, 0): .linkLocalMulticast
        case (224...239, _, _): .multicast
        default: bytes.allSatisfy { $0 == 0 } ? .unspecified : bytes.allSatisfy { $0 == 255 } ? .broadcast : .globalUnicast
        }
    }

    private static func ipv6(_ bytes: [UInt8]) -> IPScope {
        if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes[15] < 2 { return bytes[15] == 0 ? .unspecified : .loopback }
        if bytes[0] == 0xfe, bytes[1] & 0xc0 == 0x80 { return .linkLocal }
        guard bytes[0] == 0xff else { return .globalUnicast }
        return bytes[1] & 0x0f == 2 ? .linkLocalMulticast : .multicast
    }
}
