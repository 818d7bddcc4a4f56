internal import APIModel
internal import Containerd

// What the parts of a cluster are told of its name.
extension ClusterName {
    var containerd: ContainerdConfiguration { ContainerdConfiguration(network: network(mtu: 0)) }

    func network(mtu: Int) -> CNIConfiguration {
        CNIConfiguration(bridge: bridge, network: prefix, mtu: mtu)
    }

    /// By plugin: what those that change the kernel are to call it. The first cluster's have names of their own.
    var pluginConfig: [String: Value] {
        guard number != 0, let linkMark, let serviceMark else { return [:] }
        return [
            "proxy-nftables": ["table": .string(table("proxy"))], "policy-nftables": ["table": .string(table("policy"))],
            "proxy-userspace": ["mark": .int(Whole(serviceMark))], "service-lb-link": ["mark": .int(Whole(linkMark))],
        ]
    }
}
