/// A network in CIDR notation, `10.96.0.0/16` or `fd00:10:96::/112`.
public struct IPNetwork: Hashable, Sendable, LosslessStringConvertible, OfIPFamily {
    /// Without what the prefix leaves open.
    public let base: IPAddress
    /// Of the prefix: 0 to 32 or 128.
    public let bits: Int
    public var family: IPFamily { base.family }

    /// The network that `address` is in. `nil` for a prefix longer than an address.
    public init?(_ address: IPAddress, bits: Int) {
        guard (0...address.family.bits).contains(bits) else { return nil }
        self.bits = bits
        base = IPAddress(address.family, address.number & ~Self.rest(address.family, bits))
    }

    /// `nil` for what is no address and the length of a prefix. Bits beyond the prefix are dropped.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let bits = Int(parts[1]) else { return nil }
        self.init(address, bits: bits)
    }

    /// What the prefix leaves open.
    private static func rest(_ family: IPFamily, _ bits: Int) -> UInt128 {
        bits == 0 ? family.greatest : family.greatest >> UInt128(bits)
    }

    private var rest: UInt128 { Self.rest(family, bits) }

    /// Its last address.
    public var last: IPAddress { IPAddress(family, base.number | rest) }

    public func contains(_ address: IPAddress) -> Bool { address.family == family && address.number & ~rest == base.number }
    /// Whether all addresses of the other are among these.
    public func contains(_ other: IPNetwork) -> Bool { bits <= other.bits && contains(other.base) }
    public func overlaps(_ other: IPNetwork) -> Bool { contains(other) || other.contains(self) }

    // MARK: Its hosts

    /// How many addresses it has for hosts: without the first, which is the network's own, and of IPv4 the last, to which all listen.
    public var hostCount: UInt128 { family == .ipv6 ? rest : max(rest, 1) - 1 }
    /// The address of a host, counted from 1; `nil` where it has not that many.
    public func host(_ index: UInt128) -> IPAddress? {
        index >= 1 && index <= hostCount ? IPAddress(family, base.number + index) : nil
    }
    /// Whether it is the address of one of its hosts.
    public func hasHost(_ address: IPAddress) -> Bool { contains(address) && host(address.number - base.number) != nil }

    /// The network at `index`, counted from 0, of those of `bits` that this one is cut into; `nil` where there are not that many.
    public func subnet(_ index: UInt128, bits: Int) -> IPNetwork? {
        guard bits >= self.bits, bits <= family.bits else { return nil }
        guard bits - self.bits >= 128 || index >> UInt128(bits - self.bits) == 0 else { return nil }
        let shift = family.bits - bits
        return IPNetwork(IPAddress(family, base.number | (shift >= 128 ? 0 : index << UInt128(shift))), bits: bits)
    }

    public var description: String { "\(base)/\(bits)" }
}
