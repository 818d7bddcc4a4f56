/// Which packets a table of nftables sees.
public enum FilterFamily: String, Sendable, CustomStringConvertible {
    case ip, ip6
    /// Those of both.
    case inet

    public var description: String { rawValue }

    /// The type of an address in its sets.
    public var addressType: String { self == .ip6 ? "ipv6_addr" : "ipv4_addr" }
}
