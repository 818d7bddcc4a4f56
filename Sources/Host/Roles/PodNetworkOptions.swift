public import APIModel
public import ArgumentParser
internal import Containerd
internal import Kubelet

/// How pods of a node and those of others reach each other. The Node says it in a label, from which the plugin `pod-routes` has it.
struct PodNetworkOptions: ParsableArguments {
    @Option(
        name: .customLong("pod-network"),
        help: """
            How pods of this node and of others reach each other: by routes to nodes on one network, inside of UDP (port 8472), or as somebody \
            else sees to it. The same on every node. Default: as it was, at first None.
            """)
    var mode: PodNetworkMode?

    /// Beside those that flags give the Node.
    var labels: [String: String] { mode.map { [PodNetworkMode.label: $0.rawValue] } ?? [:] }

    /// How long a packet of a pod may be, 0 for as long as the bridge takes.
    ///
    /// - Parameter addresses: the Node's, the first one being that under which the others know it.
    func mtu(_ addresses: [String]) -> Int {
        let whole = CNIConfiguration.mtuOfDefaultRoute()
        guard let mode, let address = addresses.first.flatMap({ IPAddress($0) }) else { return whole }
        let overhead = mode.overhead(address.family)
        return overhead == 0 ? whole : (whole == 0 ? 1500 : whole) - overhead
    }
}

extension PodNetworkMode: ExpressibleByArgument {}
