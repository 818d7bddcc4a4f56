internal import Glibc

/// Routes to networks by way of a neighbour, that we put in the table `main`. The kernel keeps a mark with each, so that nobody else's is
/// ever taken away.
///
/// Not thread-safe. Message layout: `linux/rtnetlink.h`.
public struct GatewayRoutes: ~Copyable {
    public struct Route: Hashable {
        /// The network's address: 4 or 16 bytes, in the order of the network.
        public var network: [UInt8]
        /// Of its prefix.
        public var bits: UInt8
        /// Who takes what goes there; taken for a neighbour on the link, whatever other routes say.
        public var gateway: [UInt8]
        public var link: UInt32
        /// What the machine's own packets to it have for their source; `nil` for what the kernel chooses.
        public var source: [UInt8]?

        public init(to network: [UInt8], bits: UInt8, by gateway: [UInt8], on link: UInt32, source: [UInt8]?) {
            (self.network, self.bits, self.gateway, self.link, self.source) = (network, bits, gateway, link, source)
        }
    }

    /// Of the head: how far it leads, its kind, and that the gateway is a neighbour.
    private static let (scope, kind, isNeighbour): (UInt8, UInt8, UInt8) = (0, 1, 4)

    private let mark: UInt8
    private let netlink: Netlink

    /// - Parameter mark: by which ours are known, as `rtm_protocol` says: one that no daemon for routes has.
    public init(mark: UInt8) throws {
        netlink = try Netlink(.route)
        self.mark = mark
    }

    /// All of ours, of both families.
    public func all() throws -> Set<Route> {
        var routes: Set<Route> = []
        for message in try netlink.list(RouteMessage.get, [UInt8](repeating: 0, count: RouteMessage.Head.size)) {
            guard let (found, attributes) = RouteMessage.route(message), found.isOf(head(found.family, found.prefix)),
                let network = attributes[RouteMessage.Attribute.destination], let gateway = attributes[RouteMessage.Attribute.gateway],
                let link = attributes[RouteMessage.Attribute.link], link.count == 4
            else { continue }
            routes.insert(
                Route(
                    to: Array(network), bits: found.prefix, by: Array(gateway), on: link.number(at: 0, bytes: 4),
                    source: attributes[RouteMessage.Attribute.source].map(Array.init)))
        }
        return routes
    }

    /// Puts one there, in place of another to the same network.
    public func set(_ route: Route) throws {
        var body = body(route)
        body.append(attribute: RouteMessage.Attribute.gateway, route.gateway)
        body.append(attribute: RouteMessage.Attribute.link, number: route.link)
        if let source = route.source { body.append(attribute: RouteMessage.Attribute.source, source) }
        try netlink.change(RouteMessage.new, flags: RouteMessage.setting, body, unless: EEXIST)
    }

    /// Takes the one to a network away. One that is gone already is no failure.
    public func remove(_ route: Route) throws { try netlink.change(RouteMessage.delete, body(route), unless: ESRCH) }

    private func body(_ route: Route) -> [UInt8] {
        var body = head(KernelFamily(of: route.network), route.bits).bytes
        body.append(attribute: RouteMessage.Attribute.destination, route.network)
        return body
    }

    private func head(_ family: KernelFamily, _ prefix: UInt8) -> RouteMessage.Head {
        RouteMessage.Head(
            family: family, prefix: prefix, table: RouteMessage.Table.main, mark: mark, scope: Self.scope, kind: Self.kind,
            flags: Self.isNeighbour)
    }
}
