internal import APIModel
internal import Glibc
internal import KernelNetwork
internal import PluginKit

/// The connections that the kernel remembers, through its netlink family: no `conntrack` process, which an isolated plugin could not start.
///
/// Not thread-safe. Message layout: `linux/netfilter/nfnetlink_conntrack.h`.
struct Conntrack: ~Copyable {
    /// A connection over UDP: packets from one place to another, and back.
    struct Flow {
        var family: IPFamily
        /// Where the first packet was sent, `10.96.0.10:53`, `[fd00::a]:53`.
        var destination: String
        /// The port of it.
        var port: UInt32
        /// From where answers come, `10.244.0.7:53`: who really gets the packets.
        var answers: String
        /// What names the flow to the kernel.
        fileprivate var name: [UInt8]
    }

    private enum Message {
        /// What a table is read as, entry by entry.
        static let entry: UInt16 = 0x100
        static let get: UInt16 = 0x101
        static let delete: UInt16 = 0x102
    }

    private enum Attribute {
        static let original: UInt16 = 1
        static let reply: UInt16 = 2
        static let zone: UInt16 = 18
        static let addresses: UInt16 = 1
        static let ports: UInt16 = 2
        static let ipv4Addresses: (source: UInt16, destination: UInt16) = (1, 2)
        static let ipv6Addresses: (source: UInt16, destination: UInt16) = (3, 4)
        static let protocolNumber: UInt16 = 1
        static let sourcePort: UInt16 = 2
        static let destinationPort: UInt16 = 3
        static let nested: UInt16 = 0x8000
    }

    /// The head of each message, about a family.
    private static func head(_ family: IPFamily) -> [UInt8] { [UInt8(family == .ipv4 ? AF_INET : AF_INET6), 0, 0, 0] }

    private let netlink: Netlink

    init() throws { netlink = try Netlink(.netfilter) }

    /// Every flow over UDP of a family. Where the table changes meanwhile, some may be left out.
    func flows(_ family: IPFamily) throws -> [Flow] {
        let head = Self.head(family)
        return try netlink.list(Message.get, head).compactMap { message in
            message.type == Message.entry ? Self.flow(message.content.dropFirst(head.count), family) : nil
        }
    }

    /// Makes the kernel forget a flow; one that has ended already is no failure.
    func delete(_ flow: Flow) throws { try netlink.change(Message.delete, Self.head(flow.family) + flow.name, unless: ENOENT) }

    private static func flow(_ content: ArraySlice<UInt8>, _ family: IPFamily) -> Flow? {
        let attributes = Netlink.attributes(content)
        guard let original = attributes[Attribute.original], let reply = attributes[Attribute.reply].map(Netlink.attributes),
            let destination = place(Netlink.attributes(original), addresses(family).destination, Attribute.destinationPort, family),
            let answers = place(reply, addresses(family).source, Attribute.sourcePort, family)
        else { return nil }
        var name: [UInt8] = []
        name.append(attribute: Attribute.original | Attribute.nested, original)
        if let zone = attributes[Attribute.zone] { name.append(attribute: Attribute.zone, zone) }
        return Flow(family: family, destination: destination.text, port: destination.port, answers: answers.text, name: name)
    }

    private static func addresses(_ family: IPFamily) -> (source: UInt16, destination: UInt16) {
        family == .ipv4 ? Attribute.ipv4Addresses : Attribute.ipv6Addresses
    }

    /// `nil` for what is not UDP over the family.
    private static func place(
        _ tuple: [UInt16: ArraySlice<UInt8>], _ address: UInt16, _ port: UInt16, _ family: IPFamily
    ) -> (text: String, port: UInt32)? {
        guard let bytes = tuple[Attribute.addresses].map(Netlink.attributes)?[address], let ip = IPAddress(bytes: bytes),
            ip.family == family,
            let transport = tuple[Attribute.ports].map(Netlink.attributes),
            let number = transport[Attribute.protocolNumber]?.first, number == 17,
            let bytes = transport[port], bytes.count == 2
        else { return nil }
        let portNumber = UInt32(bytes[bytes.startIndex]) << 8 | UInt32(bytes[bytes.startIndex + 1])
        return (WantedService.place(ip.description, portNumber), portNumber)
    }
}
