internal import Glibc

/// Addresses of the machine's links that we put there: the kernel keeps a mark with each, so that nobody else's is ever taken away.
///
/// Not thread-safe. Message layout: `linux/if_addr.h`.
public struct LinkAddresses: ~Copyable {
    /// An IPv4 address on a link.
    public struct Address: Hashable {
        public var link: UInt32
        /// Its first byte is the highest.
        public var address: UInt32
        public var prefix: UInt8
        /// Whether we put it there.
        public var isOurs: Bool

        public init(link: UInt32, address: UInt32, prefix: UInt8, isOurs: Bool) {
            self.link = link
            self.address = address
            self.prefix = prefix
            self.isOurs = isOurs
        }
    }

    private enum Message {
        static let new: UInt16 = 20
        static let delete: UInt16 = 21
        static let get: UInt16 = 22
        /// `NLM_F_CREATE` and `NLM_F_EXCL`.
        static let creating: UInt16 = 0x600
    }

    private enum Attribute {
        static let address: UInt16 = 1
        static let local: UInt16 = 2
        static let proto: UInt16 = 11
    }

    /// Who put an address there, in `IFA_PROTO`: the kernel itself uses 1 to 3.
    private let mark: UInt8
    let netlink: Netlink

    /// - Parameter mark: by which ours are known: one for each kind of owner.
    public init(mark: UInt8) throws {
        netlink = try Netlink(.route)
        self.mark = mark
    }

    /// All that there are.
    public func all() throws -> [Address] {
        try netlink.list(Message.get, Self.head(prefix: 0, link: 0)).compactMap { message in
            let content = message.content
            guard message.type == Message.new, content.count >= 8, content.first == UInt8(AF_INET) else { return nil }
            let attributes = Netlink.attributes(content.dropFirst(8))
            guard let address = attributes[Attribute.local] ?? attributes[Attribute.address], address.count == 4 else { return nil }
            return Address(
                link: content.number(at: 4, bytes: 4), address: address.number(at: 0, bytes: 4).byteSwapped,
                prefix: content[content.startIndex + 1], isOurs: attributes[Attribute.proto]?.first == mark)
        }
    }

    /// Puts one there, alone: no route comes with it. One that is there already is no failure.
    public func add(_ address: UInt32, to link: UInt32) throws {
        try netlink.change(Message.new, flags: Message.creating, body(address, link), unless: EEXIST)
    }

    /// Takes one away. One that is gone already is no failure.
    public func remove(_ address: Address) throws {
        try netlink.change(Message.delete, body(address.address, address.link), unless: EADDRNOTAVAIL)
    }

    private static func head(prefix: UInt8, link: UInt32) -> [UInt8] {
        var head: [UInt8] = [UInt8(AF_INET), prefix, 0, 0]
        head.append(link, bytes: 4)
        return head
    }

    private func body(_ address: UInt32, _ link: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(address.byteSwapped, bytes: 4)
        var body = Self.head(prefix: 32, link: link)
        body.append(attribute: Attribute.local, bytes)
        body.append(attribute: Attribute.address, bytes)
        body.append(attribute: Attribute.proto, [mark])
        return body
    }
}
