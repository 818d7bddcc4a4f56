internal import APIModel
internal import KernelNetwork

/// What the kernel of one node has to know, so that the pods of another are reached. Pure.
struct Way: Equatable {
    var routes: Set<GatewayRoutes.Route> = []
    var neighbours: Set<PermanentNeighbours.Entry> = []
    /// Why some of them are not reached, in a sentence.
    var problem: String?

    /// Nowhere.
    init() {}

    /// - Parameters:
    ///   - links: the addresses of the machine's links.
    ///   - vxlan: the link of the VXLAN network, where the node takes part in it.
    init(from own: NodeNetwork, to other: NodeNetwork, links: [LinkAddresses.Address], vxlan: UInt32?) {
        guard own.mode != PodNetworkMode.none, other.mode != PodNetworkMode.none else { return }
        guard let mode = other.mode, mode == own.mode else {
            problem = "its pod network is \(other.wanted), and that of this node \(own.wanted)"
            return
        }
        for network in other.pods {
            if let clash = own.pods.first(where: network.overlaps) {
                problem = "its pods have the network \(network), and those of this node \(clash)"
                continue
            }
            if let vxlan { add(network, of: other, from: own, vxlan) } else { add(network, of: other, links) }
        }
    }

    private mutating func add(_ network: IPNetwork, of other: NodeNetwork, _ links: [LinkAddresses.Address]) {
        guard let gateway = other.address(network.family) else {
            problem = "it has no \(network.family) address that leads to \(network)"
            return
        }
        guard let link = links.first(where: { $0.hasInNetwork(gateway) })?.link else {
            problem = "its address \(gateway) is on no network of this node's: only VXLAN leads there"
            return
        }
        routes.insert(GatewayRoutes.Route(to: network.base.bytes, bits: UInt8(network.bits), by: gateway.bytes, on: link, source: nil))
    }

    private mutating func add(_ network: IPNetwork, of other: NodeNetwork, from own: NodeNetwork, _ vxlan: UInt32) {
        guard let family = own.addresses.first?.family, let machine = other.address(family) else {
            problem = "it has no address of the family of this node's first"
            return
        }
        let bridge = NodeNetwork.bridge(network).bytes
        neighbours.insert(.machine(machine.bytes, hardware: other.hardware))
        neighbours.insert(.address(bridge, hardware: other.hardware))
        // What the node itself sends comes from an address that the other knows to be here.
        let source = own.pods.first { $0.family == network.family }.map { NodeNetwork.bridge($0).bytes }
        routes.insert(GatewayRoutes.Route(to: network.base.bytes, bits: UInt8(network.bits), by: bridge, on: vxlan, source: source))
    }
}

extension LinkAddresses.Address {
    var ip: IPAddress? { IPAddress(bytes: address) }

    fileprivate func hasInNetwork(_ other: IPAddress) -> Bool {
        guard prefix > 0, Int(prefix) < 8 * address.count, let ip else { return false }
        return IPNetwork(ip, bits: Int(prefix))?.contains(other) ?? false
    }
}

extension GatewayRoutes.Route {
    /// Where it leads: of two that lead to one place, the kernel has the later.
    struct Destination: Hashable {
        var network: [UInt8]
        var bits: UInt8
    }

    var destination: Destination { Destination(network: network, bits: bits) }
}
