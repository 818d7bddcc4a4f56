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

    private enum Message {
        static let new: UInt16 = 24
        static let delete: UInt16 = 25
        static let get: UInt16 = 26
        /// `NLM_F_CREATE` and `NLM_F_REPLACE`.
        static let setting: UInt16 = 0x500
    }

    private enum Attribute {
        static let destination: UInt16 = 1
        static let link: UInt16 = 4
        static let source: UInt16 = 7
    }

    /// Of the head: reach no further than this machine, and its kind.
    private static let (scope, kind): (UInt8, UInt8) = (254, 2)
    private static let headSize = 12

    /// Those of IPv4 are in the table `local`, those of IPv6 in `main`: there a socket that has found its way already looks for another only
    /// when the table changes that led it, which is `main` for whoever asked before the route was there.
    private static func table(_ family: KernelFamily) -> UInt8 { family == .ipv4 ? 255 : 254 }

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
        var found: Set<Route> = []
        for message in try netlink.list(Message.get, [UInt8](repeating: 0, count: Self.headSize)) {
            let content = message.content
            guard message.type == Message.new, content.count >= Self.headSize, let family = content.first.flatMap(KernelFamily.init),
                case let head = Array(content.prefix(Self.headSize)), head[1] == UInt8(8 * family.size),
                (head[4], head[5], head[7]) == (Self.table(family), mark, Self.kind)
            else { continue }
            let attributes = Netlink.attributes(content.dropFirst(Self.headSize))
            guard let address = attributes[Attribute.destination], address.count == family.size else { continue }
            found.insert(Route(to: Array(address), source: attributes[Attribute.source].map(Array.init)))
        }
        return found
    }

    /// Puts one there, in place of one with another source.
    public func set(_ route: Route) throws {
        var body = head(route.address)
        body.append(attribute: Attribute.destination, route.address)
        if let source = route.source { body.append(attribute: Attribute.source, source) }
        var link: [UInt8] = []
        link.append(loopback, bytes: 4)
        body.append(attribute: Attribute.link, link)
        try netlink.change(Message.new, flags: Message.setting, body, unless: EEXIST)
    }

    /// Takes one away. One that is gone already is no failure.
    public func remove(_ route: Route) throws {
        var body = head(route.address)
        body.append(attribute: Attribute.destination, route.address)
        try netlink.change(Message.delete, body, unless: ESRCH)
    }

    private func head(_ address: [UInt8]) -> [UInt8] {
        let family = KernelFamily(of: address)
        return [family.rawValue, UInt8(8 * address.count), 0, 0, Self.table(family), mark, Self.scope, Self.kind, 0, 0, 0, 0]
    }
}
