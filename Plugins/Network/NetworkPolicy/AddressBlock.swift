internal import APIModel

/// What an `ipBlock` says: a network without some parts of it.
struct AddressBlock: Hashable {
    private var network: IPNetwork
    private var except: [IPNetwork]

    /// `nil` for what the API does not let through: no rule is made of it, so it allows nothing.
    init?(_ block: Value) {
        guard let network = IPNetwork(block["cidr"].string ?? "") else { return nil }
        self.network = network
        except = block["except"].elements.compactMap { IPNetwork($0.string ?? "") }
    }

    var family: IPFamily { network.family }

    /// - Parameters:
    ///   - ip: how rules name the family.
    ///   - end: `saddr` or `daddr`.
    func match(_ ip: String, _ end: String) -> String {
        (["\(ip) \(end) \(network)"] + except.map { "\(ip) \(end) != \($0)" }).joined(separator: " ")
    }
}
