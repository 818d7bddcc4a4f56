internal import APIModel
internal import FileSystem
internal import Glibc
internal import Kubelet

/// The part of the pod network that belongs to the machine: the bridge that the CNI plugin puts pods on, forwarding, and the masquerading
/// of what pods send outside. All of it for each family of the pods' networks.
///
/// The bridge is made before the first pod, because the API server listens on its address for the pods.
struct PodNetwork {
    var cluster = ClusterName.first
    var clusterCIDRs: DualStack<IPNetwork>
    var serviceCIDRs: DualStack<IPNetwork>
    /// The node's shares of `clusterCIDRs`; the first address of each is the bridge's.
    var nodeCIDRs: DualStack<IPNetwork>

    /// The bridge's addresses.
    var gateways: DualStack<IPAddress> { nodeCIDRs.mapEach { $0.host(1) ?? $0.base } }
    /// Where pods reach what listens on the node for them, of the family of Services that say nothing.
    var gateway: IPAddress { gateways[serviceCIDRs.primary.family] ?? gateways.primary }
    /// Of the Service by which pods reach the cluster's name server, as kubeadm chooses it.
    var nameServer: String { Networks.host(10, of: serviceCIDRs.primary) }

    /// Makes all of it. Does nothing where it is there already.
    func setUp() throws {
        let bridge = cluster.bridge
        // Not by /sys, which may show another network than the one this process is in.
        if if_nametoindex(bridge) == 0 { try run(["ip", "link", "add", bridge, "type", "bridge"]) }
        if nodeCIDRs[.ipv6] != nil { Self.prepareForIPv6(bridge) }
        var settings: [String] = []
        for network in nodeCIDRs {
            // Nobody else can have the address, and what is not sure of it yet could not listen there.
            let sure = network.family == .ipv6 ? " nodad" : ""
            settings.append("address replace \(gateways[network.family]!)/\(network.bits) dev \(bridge)\(sure)")
        }
        settings.append("link set \(bridge) up")
        for services in serviceCIDRs {
            // Without it a machine that has no default route could not reach its own Services.
            guard let gateway = gateways[services.family] else { continue }
            settings.append("route replace \(services) dev \(bridge) src \(gateway)")
        }
        // One process for all of them: each takes milliseconds to start.
        try run(["ip", "-batch", "-"], input: settings.map { $0 + "\n" }.joined())
        for family in nodeCIDRs.families {
            let (forwarding, tables) = family == .ipv4 ? ("ipv4/ip_forward", "iptables") : ("ipv6/conf/all/forwarding", "ip6tables")
            _ = Files.writeExisting("1", to: "/proc/sys/net/\(forwarding)")
            _ = Files.writeExisting("1", to: "/proc/sys/net/bridge/bridge-nf-call-\(tables)")
        }
        try run(["nft", "-f", "-"], input: nodeCIDRs.families.map(masquerading).joined())
    }

    private static func prepareForIPv6(_ bridge: String) {
        let links = "/proc/sys/net/ipv6/conf"
        // A machine that forwards takes no routes from its routers any more, unless it is told to.
        for link in Files.names(in: links) where Files.text("\(links)/\(link)/accept_ra")?.hasPrefix("1") == true {
            _ = Files.writeExisting("2", to: "\(links)/\(link)/accept_ra")
        }
        for setting in ["disable_ipv6", "accept_ra", "accept_dad"] { _ = Files.writeExisting("0", to: "\(links)/\(bridge)/\(setting)") }
    }

    private func masquerading(_ family: IPFamily) -> String {
        let (word, table) = (Self.word(family), cluster.table("network"))
        guard let pods = clusterCIDRs[family] else { return "" }
        let services = serviceCIDRs[family].map { " \(word) daddr != \($0)" } ?? ""
        return """
            add table \(word) \(table)
            delete table \(word) \(table)
            table \(word) \(table) {
              chain postrouting {
                type nat hook postrouting priority srcnat;
                \(word) saddr \(pods) \(word) daddr != \(pods)\(services) fib daddr type != local masquerade
              }
            }

            """
    }

    /// As nftables calls it.
    private static func word(_ family: IPFamily) -> String { family == .ipv4 ? "ip" : "ip6" }

    /// Takes all of it away, whether it is there or not.
    /// - Returns: whether the bridge is gone, which somebody else may have made again.
    static func tearDown(_ cluster: ClusterName) -> Bool {
        for family in IPFamily.allCases {
            let table = "\(word(family)) \(cluster.table("network"))"
            Shell.run(["nft", "-f", "-"], input: "add table \(table)\ndelete table \(table)\n")
        }
        HostPorts.removeAll(cluster.table("hostports"), Shell.run)
        Shell.run(["ip", "link", "delete", cluster.bridge])
        return if_nametoindex(cluster.bridge) == 0
    }

    private func run(_ command: [String], input: String = "") throws {
        let result = Shell.run(command, input: input)
        guard result.status == 0 else {
            throw StartupFailure(
                "`\(command.joined(separator: " "))` failed: \(result.output)Install iproute2 and nftables, and run as root.")
        }
    }
}
