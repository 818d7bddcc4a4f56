internal import Glibc

/// Addresses that the machine takes for its own although none of its links has them: local routes that we put there. The kernel keeps a mark
/// with each, so that nobody else's is ever taken away.
///
/// What the machine sends to such an address has an address for its source that stays when the route goes; to an address on a link, it would
/// have that one itself. To bind to one of IPv6, a socket needs `IPV6_FREEBIND`.
///
/// Not thread-safe. Message layout: `linux/rtnetlink.h`.
public struct LocalRoutes: ~Copyable {
    public struct Route: Hashable {
        /// 4 or 16, in the order of the network.
        public var address: [UInt8]
        /// What the machine's own packets to it have for their source; `nil` for the address itself.
        public var source: [UInt8]?

        public init(to address: [UInt8], source: [UInt8]?) { (self.address, self.source) = (address, source) }
    }

    /// Of the head: reach no further than this machine, and its kind.
    private static let (scope, kind): (UInt8, UInt8) = (254, 2)

    /// Those of IPv4 are in the table `local`, those of IPv6 in `main`: there a socket that has found its way already looks for another only
    /// when the table changes that led it, which is `main` for whoever asked before the route was there.
    private static func table(_ family: KernelFamily) -> UInt8 { family == .ipv4 ? RouteMessage.Table.local : RouteMessage.Table.main }

    /// Who put a route there, as `rtm_protocol` says.
    private let mark: UInt8
    private let netlink: Netlink
    private let loopback = if_nametoindex("lo")

    /// - Parameter mark: by which ours are known: one that no daemon for routes has.
    public init(mark: UInt8) throws {
        netlink = try Netlink(.route)
        self.mark = mark
    }

    /// All of ours, of both families.
    public func all() throws -> Set<Route> {
        var routes: Set<Route> = []
        for message in try netlink.list(RouteMessage.get, [UInt8](repeating: 0, count: RouteMessage.Head.size)) {
            guard let (found, attributes) = RouteMessage.route(message), found.isOf(head(found.family)) else { continue }
            guard let address = attributes[RouteMessage.Attribute.destination], address.count == found.family.size else { continue }
            routes.insert(Route(to: Array(address), source: attributes[RouteMessage.Attribute.source].map(Array.init)))
        }
        return routes
    }

    /// Puts one there, in place of one with another source.
    public func set(_ route: Route) throws {
        var body = head(KernelFamily(of: route.address)).bytes
        body.append(attribute: RouteMessage.Attribute.destination, route.address)
        if let source = route.source { body.append(attribute: RouteMessage.Attribute.source, source) }
        body.append(attribute: RouteMessage.Attribute.link, number: loopback)
        try netlink.change(RouteMessage.new, flags: RouteMessage.setting, body, unless: EEXIST)
    }

    /// Takes one away. One that is gone already is no failure.
    public func remove(_ route: Route) throws {
        var body = head(KernelFamily(of: route.address)).bytes
        body.append(attribute: RouteMessage.Attribute.destination, route.address)
        try netlink.change(RouteMessage.delete, body, unless: ESRCH)
    }

    /// Of each of ours.
    private func head(_ family: KernelFamily) -> RouteMessage.Head {
        RouteMessage.Head(
            family: family, prefix: UInt8(8 * family.size), table: Self.table(family), mark: mark, scope: Self.scope, kind: Self.kind)
    }
}
