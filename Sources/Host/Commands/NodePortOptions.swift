internal import APIModel
internal import ArgumentParser

/// At which addresses of a node its node ports are.
struct NodePortOptions: ParsableArguments {
    @Option(
        name: .customLong("nodeport-addresses"),
        help: """
            Networks with commas between: node ports are at those of the node's addresses that are in one of them. 'primary' is the node's primary \
            addresses. Default: all but loopback, which 127.0.0.0/8 adds.
            """)
    var addresses: [String] = []

    func validate() throws { _ = try networks([]) }

    /// - Parameter primary: the node's addresses.
    func networks(_ primary: [String]) throws -> [IPNetwork] {
        let given = CommaList.split(addresses)
        if given == ["primary"] { return primary.compactMap { IPAddress($0) }.compactMap { IPNetwork($0, bits: $0.family.bits) } }
        return try given.map { text in
            guard let network = IPNetwork(text) else {
                throw ValidationError("--nodeport-addresses: \(text) is not a network in CIDR notation")
            }
            return network
        }
    }
}
