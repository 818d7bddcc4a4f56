internal import Glibc

/// Addresses of the machine's links that we put there: the kernel keeps a mark with each, so that nobody else's is ever taken away.
///
/// Not thread-safe. Message layout: `linux/if_addr.h`.
public struct LinkAddresses: ~Copyable {
    /// An address on a link.
    public struct Address: Hashable {
        public var link: UInt32
        /// 4 or 16, in the order of the network.
        public var address: [UInt8]
        public var prefix: UInt8
        /// Whether we put it there.
        public var isOurs: Bool

        public init(link: UInt32, address: [UInt8], prefix: UInt8, isOurs: Bool) {
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
        static let cacheInfo: UInt16 = 6
        static let proto: UInt16 = 11
    }

    /// Nobody else can have it, so nobody is asked whether somebody does.
    private static let isNotAskedFor: UInt8 = 0x02

    /// Who put an address there, in `IFA_PROTO`: the kernel itself uses 1 to 3.
    private let mark: UInt8
    let netlink: Netlink

    /// - Parameter mark: by which ours are known: one for each kind of owner.
    public init(mark: UInt8) throws {
        netlink = try Netlink(.route)
        self.mark = mark
    }

    /// All that there are, of both families.
    public func all() throws -> [Address] {
        try netlink.list(Message.get, [UInt8](repeating: 0, count: 8)).compactMap { message in
            let content = message.content
            guard message.type == Message.new, content.count >= 8, let family = content.first.flatMap(KernelFamily.init) else { return nil }
            let attributes = Netlink.attributes(content.dropFirst(8))
            guard let address = attributes[Attribute.local] ?? attributes[Attribute.address], address.count == family.size else {
                return nil
            }
            return Address(
                link: content.number(at: 4, bytes: 4), address: Array(address), prefix: content[content.startIndex + 1],
                isOurs: attributes[Attribute.proto]?.first == mark)
        }
    }

    /// Puts one there, alone: no route comes with it, and nothing that the machine sends has it for its source unless it is asked to. One
    /// that is there already is no failure.
    public func add(_ address: [UInt8], to link: UInt32) throws {
        var body = body(address, link)
        if KernelFamily(of: address) == .ipv6 {
            // Preferred for no time, and there for ever.
            var times: [UInt8] = []
            for number in [0, UInt32.max, 0, 0] { times.append(number, bytes: 4) }
            body.append(attribute: Attribute.cacheInfo, times)
        }
        try netlink.change(Message.new, flags: Message.creating, body, unless: EEXIST)
    }

    /// Takes one away. One that is gone already is no failure.
    public func remove(_ address: Address) throws {
        try netlink.change(Message.delete, body(address.address, address.link), unless: EADDRNOTAVAIL)
    }

    private func body(_ address: [UInt8], _ link: UInt32) -> [UInt8] {
        let family = KernelFamily(of: address)
        var body: [UInt8] = [family.rawValue, UInt8(8 * address.count), family == .ipv6 ? Self.isNotAskedFor : 0, 0]
        body.append(link, bytes: 4)
        for attribute in family == .ipv6 ? [Attribute.address] : [Attribute.local, Attribute.address] {
            body.append(attribute: attribute, address)
        }
        body.append(attribute: Attribute.proto, [mark])
        return body
    }
}
