internal import Glibc
internal import KernelNetwork

/// The connections that the kernel remembers, through its netlink family: no `conntrack` process, which an isolated plugin could not start.
///
/// Not thread-safe. Message layout: `linux/netfilter/nfnetlink_conntrack.h`.
struct Conntrack: ~Copyable {
    /// A connection over UDP: packets from one place to another, and back.
    struct Flow {
        /// Where the first packet was sent, `10.96.0.10:53`.
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
        static let sourceAddress: UInt16 = 1
        static let destinationAddress: UInt16 = 2
        static let protocolNumber: UInt16 = 1
        static let sourcePort: UInt16 = 2
        static let destinationPort: UInt16 = 3
        static let nested: UInt16 = 0x8000
    }

    /// The head of each message of the family: of IPv4.
    private static let head: [UInt8] = [UInt8(AF_INET), 0, 0, 0]

    private let netlink: Netlink

    init() throws { netlink = try Netlink(.netfilter) }

    /// Every flow over UDP and IPv4. Where the table changes meanwhile, some may be left out.
    func flows() throws -> [Flow] {
        try netlink.list(Message.get, Self.head).compactMap { message in
            message.type == Message.entry ? Self.flow(message.content.dropFirst(Self.head.count)) : nil
        }
    }

    /// Makes the kernel forget a flow; one that has ended already is no failure.
    func delete(_ flow: Flow) throws { try netlink.change(Message.delete, Self.head + flow.name, unless: ENOENT) }

    private static func flow(_ content: ArraySlice<UInt8>) -> Flow? {
        let attributes = Netlink.attributes(content)
        guard let original = attributes[Attribute.original], let reply = attributes[Attribute.reply].map(Netlink.attributes),
            let destination = place(Netlink.attributes(original), Attribute.destinationAddress, Attribute.destinationPort),
            let answers = place(reply, Attribute.sourceAddress, Attribute.sourcePort)
        else { return nil }
        var name: [UInt8] = []
        name.append(attribute: Attribute.original | Attribute.nested, original)
        if let zone = attributes[Attribute.zone] { name.append(attribute: Attribute.zone, zone) }
        return Flow(destination: destination.text, port: destination.port, answers: answers.text, name: name)
    }

    /// `nil` for what is not UDP over IPv4.
    private static func place(_ tuple: [UInt16: ArraySlice<UInt8>], _ address: UInt16, _ port: UInt16) -> (text: String, port: UInt32)? {
        guard let ip = tuple[Attribute.addresses].map(Netlink.attributes)?[address], ip.count == 4,
            let transport = tuple[Attribute.ports].map(Netlink.attributes),
            let number = transport[Attribute.protocolNumber]?.first, number == 17,
            let bytes = transport[port], bytes.count == 2
        else { return nil }
        let portNumber = UInt32(bytes[bytes.startIndex]) << 8 | UInt32(bytes[bytes.startIndex + 1])
        return ("\(ip.map(String.init).joined(separator: ".")):\(portNumber)", portNumber)
    }
}
