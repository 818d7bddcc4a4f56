internal import Glibc
internal import Kubelet

/// The part of the pod network that belongs to the machine: the bridge that the CNI plugin puts pods on, forwarding, and the masquerading
/// of what pods send outside.
///
/// The bridge is made before the first pod, because the API server listens on its address for the pods.
struct PodNetwork {
    var cluster = ClusterName.first
    var clusterCIDR: String
    var serviceCIDR: String
    /// The node's share of `clusterCIDR`; its first address is the bridge's.
    var nodeCIDR: String

    var gateway: String { Self.address(1, of: nodeCIDR) }
    /// Of the Service by which pods reach the cluster's name server, as kubeadm chooses it.
    var nameServer: String { Self.address(10, of: serviceCIDR) }

    /// Makes all of it. Does nothing where it is there already.
    func setUp() throws {
        let prefix = nodeCIDR.split(separator: "/").last ?? "24"
        let (bridge, table) = (cluster.bridge, cluster.table("network"))
        if Shell.run(["ip", "link", "show", bridge]).status != 0 {
            try run(["ip", "link", "add", bridge, "type", "bridge"])
        }
        try run(["ip", "address", "replace", "\(gateway)/\(prefix)", "dev", bridge])
        try run(["ip", "link", "set", bridge, "up"])
        // Without it a machine that has no default route could not reach its own Services.
        try run(["ip", "route", "replace", serviceCIDR, "dev", bridge, "src", gateway])
        Self.set("/proc/sys/net/ipv4/ip_forward", "1")
        Self.set("/proc/sys/net/bridge/bridge-nf-call-iptables", "1")
        try run(
            ["nft", "-f", "-"],
            input: """
                add table ip \(table)
                delete table ip \(table)
                table ip \(table) {
                  chain postrouting {
                    type nat hook postrouting priority srcnat;
                    ip saddr \(clusterCIDR) ip daddr != \(clusterCIDR) ip daddr != \(serviceCIDR) fib daddr type != local masquerade
                  }
                }

                """)
    }

    /// Takes all of it away, whether it is there or not.
    /// - Returns: whether the bridge is gone, which somebody else may have made again.
    static func tearDown(_ cluster: ClusterName) -> Bool {
        let table = cluster.table("network")
        Shell.run(["nft", "-f", "-"], input: "add table ip \(table)\ndelete table ip \(table)\n")
        HostPorts.removeAll(cluster.table("hostports"), Shell.run)
        Shell.run(["ip", "link", "delete", cluster.bridge])
        // Not by /sys, which may show another network than the one this process is in.
        return if_nametoindex(cluster.bridge) == 0
    }

    private func run(_ command: [String], input: String = "") throws {
        let result = Shell.run(command, input: input)
        guard result.status == 0 else {
            throw StartupFailure(
                "`\(command.joined(separator: " "))` failed: \(result.output)Install iproute2 and nftables, and run as root.")
        }
    }

    private static func set(_ path: String, _ value: String) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, value, value.utf8.count)
        close(descriptor)
    }

    /// The first /24 of a network, or the whole of a smaller one: the share of an only node.
    static func firstSubnet(of cidr: String) -> String {
        let parts = cidr.split(separator: "/")
        return "\(parts[0])/\(max(24, parts.count > 1 ? Int(parts[1]) ?? 24 : 24))"
    }

    /// The address `offset` places into an IPv4 network: `address(1, of: "10.96.0.0/16")` is `10.96.0.1`.
    static func address(_ offset: UInt32, of cidr: String) -> String {
        let bytes = cidr.split(separator: "/")[0].split(separator: ".").compactMap { UInt32($0) }
        let number = bytes.reduce(0) { $0 << 8 | $1 } + offset
        return [24, 16, 8, 0].map { String(number >> UInt32($0) & 255) }.joined(separator: ".")
    }
}
