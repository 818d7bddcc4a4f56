internal import APIModel

/// What an `ipBlock` says: a network without some parts of it.
struct AddressBlock: Hashable {
    private var network: IPv4Network
    private var except: [IPv4Network]

    /// `nil` for a network of IPv6: no packet of this network comes from there.
    init?(_ block: Value) {
        guard let network = IPv4Network(block["cidr"].string ?? "") else { return nil }
        self.network = network
        except = block["except"].elements.compactMap { IPv4Network($0.string ?? "") }
    }

    /// - Parameter end: `saddr` or `daddr`.
    func match(_ end: String) -> String { (["ip \(end) \(network)"] + except.map { "ip \(end) != \($0)" }).joined(separator: " ") }
}
