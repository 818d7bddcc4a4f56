internal import APIModel

/// What an `ipBlock` says: a network without some parts of it.
struct AddressBlock: Hashable {
    private var network: String
    private var except: [String]

    /// `nil` for a network of IPv6: no packet of this network comes from there.
    init?(_ block: Value) {
        guard let network = Self.network(block["cidr"]) else { return nil }
        self.network = network
        except = block["except"].elements.compactMap(Self.network)
    }

    /// - Parameter end: `saddr` or `daddr`.
    func match(_ end: String) -> String { (["ip \(end) \(network)"] + except.map { "ip \(end) != \($0)" }).joined(separator: " ") }

    private static func network(_ cidr: Value) -> String? {
        let parts = (cidr.string ?? "").split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]), let bits = UInt32(parts[1]), bits <= 32 else { return nil }
        return "\(IPv4Address(bits == 0 ? 0 : address.number & (.max << (32 - bits))))/\(bits)"
    }
}
