internal import APIModel
internal import Containerd
internal import OrderedCollections

// What the parts of a cluster are told of its name.
extension ClusterName {
    var containerd: ContainerdConfiguration { ContainerdConfiguration(network: network(mtu: 0)) }

    func network(mtu: Int) -> CNIConfiguration {
        CNIConfiguration(bridge: bridge, network: prefix, mtu: mtu)
    }

    /// What the plugins that work in a node's kernel are told there.
    ///
    /// - Parameter node: its name.
    func nodePluginConfig(_ node: String) -> [String: Value] {
        var config = Dictionary(
            uniqueKeysWithValues: ["pod-routes", "policy-nftables", "service-lb-link"].map { ($0, ["node": .string(node)] as Value) })
        for (plugin, own) in pluginConfig { for (field, value) in own.fields { config[plugin, default: .emptyObject][field] = value } }
        return config
    }

    /// By plugin: what those that change the kernel are to call it. The first cluster's have names of their own.
    var pluginConfig: [String: Value] {
        guard number != 0, let linkMark, let serviceMark else { return [:] }
        return [
            "proxy-nftables": ["table": .string(table("proxy"))], "policy-nftables": ["table": .string(table("policy"))],
            "pod-routes": ["mark": .int(Whole(serviceMark)), "link": .string(table("vxlan"))],
            "proxy-userspace": ["mark": .int(Whole(serviceMark))], "service-lb-link": ["mark": .int(Whole(linkMark))],
        ]
    }
}
