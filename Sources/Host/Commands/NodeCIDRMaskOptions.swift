internal import APIModel
internal import ArgumentParser

/// How large a Node's part of the pods' network is. Rules: upstream `cmd/kube-controller-manager/app`, its node IPAM controller.
struct NodeCIDRMaskOptions: ParsableArguments {
    @Option(
        name: .customLong("node-cidr-mask-size"),
        help: "The prefix length of a Node's part, in a cluster of one family. Default: 24, or 64 of IPv6.")
    var single: Int?

    @Option(
        name: .customLong("node-cidr-mask-size-ipv4"),
        help: "The prefix length of a Node's part of IPv4, in a cluster of both. Default: 24.")
    var ipv4: Int?

    @Option(
        name: .customLong("node-cidr-mask-size-ipv6"),
        help: "The prefix length of a Node's part of IPv6, in a cluster of both. Default: 64.")
    var ipv6: Int?

    /// What the controller is told.
    /// - Parameter services: of which no Node gets any.
    /// - Throws: `ValidationError` for a flag that is not for such networks, or for a part that is none of its network.
    func config(_ networks: DualStack<IPNetwork>, services: DualStack<IPNetwork>?) throws -> Value {
        if networks.count == 2, single != nil {
            throw ValidationError(
                "usage of --node-cidr-mask-size is not allowed with dual-stack clusters: use --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6"
            )
        }
        for (family, given) in [(IPFamily.ipv4, ipv4), (.ipv6, ipv6)] where given != nil && networks[family] == nil {
            throw ValidationError(
                "usage of --node-cidr-mask-size-\(family.rawValue.lowercased()) is not allowed without a network of \(family)")
        }
        var config: Value = ["clusterCIDR": .string(networks.description), "serviceCIDR": Value(services?.description)]
        for network in networks {
            let bits = (network.family == .ipv4 ? ipv4 : ipv6) ?? single ?? Networks.nodeBits(network.family)
            guard (network.bits...network.family.bits).contains(bits) else {
                throw ValidationError("--cluster-cidr: \(network) holds no networks of /\(bits), which the flags say a Node's part is")
            }
            // As upstream of IPv6; its table of bits for IPv4 ends where memory does.
            let most = network.family == .ipv4 ? 24 : 16
            guard bits - network.bits <= most else {
                throw ValidationError("--cluster-cidr: \(network) holds more networks of /\(bits) than there can be: at most 2^\(most)")
            }
            config["nodeMaskSize\(network.family)"] = .int(Whole(bits))
        }
        return config
    }
}
