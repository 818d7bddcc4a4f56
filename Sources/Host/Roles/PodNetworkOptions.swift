internal import APIModel
internal import ArgumentParser
internal import Containerd
internal import Kubelet

/// How pods of a node and those of others reach each other. The Node says it in a label, from which the plugin `pod-routes` has it.
struct PodNetworkOptions: ParsableArguments {
    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case routes = "Routes"
        case vxlan = "VXLAN"
        case none = "None"
    }

    private static let label = "networking.apus.dev/pod-network"
    /// What VXLAN makes a packet longer by, with addresses of IPv4 or IPv6 around it.
    private static let overhead: [IPFamily: Int] = [.ipv4: 50, .ipv6: 70]

    @Option(
        name: .customLong("pod-network"),
        help: """
            How pods of this node and of others reach each other: by routes to nodes on one network, inside of UDP (port 8472), or as somebody \
            else sees to it. The same on every node. Default: as it was, at first None.
            """)
    var mode: Mode?

    /// Beside those that flags give the Node.
    var labels: [String: String] { mode.map { [Self.label: $0.rawValue] } ?? [:] }

    /// How long a packet of a pod may be, 0 for as long as the bridge takes.
    ///
    /// - Parameter addresses: the Node's, the first one being that under which the others know it.
    func mtu(_ addresses: [String]) -> Int {
        let whole = CNIConfiguration.mtuOfDefaultRoute()
        guard mode == .vxlan else { return whole }
        let overhead = addresses.first.flatMap { IPAddress($0) }.flatMap { Self.overhead[$0.family] } ?? 0
        return (whole == 0 ? 1500 : whole) - overhead
    }
}
