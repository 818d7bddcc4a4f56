internal import Glibc

/// What a link of ours knows of its neighbours without asking: which hardware has an address, and, of a VXLAN link, which machine has the
/// hardware. The link is ours alone, so that everything permanent there is.
///
/// Not thread-safe. Message layout: `linux/neighbour.h`.
public struct PermanentNeighbours: ~Copyable {
    public enum Entry: Hashable {
        /// An address and the hardware that has it.
        case address([UInt8], hardware: [UInt8])
        /// Hardware and the machine that has it.
        case machine([UInt8], hardware: [UInt8])
    }

    private enum Message {
        static let new: UInt16 = 28
        static let delete: UInt16 = 29
        static let get: UInt16 = 30
        /// `NLM_F_CREATE` and `NLM_F_REPLACE`.
        static let setting: UInt16 = 0x500
    }

    private enum Attribute {
        static let destination: UInt16 = 1
        static let hardware: UInt16 = 2
    }

    /// Of the head: the family of bridges, that it never ends, and that it is the link's own and not its bridge's.
    private static let (bridge, permanent, own): (UInt8, UInt8, UInt8) = (7, 0x80, 0x02)
    private static let headSize = 12

    private let netlink: Netlink

    public init() throws { netlink = try Netlink(.route) }

    public func all(on link: UInt32) throws -> Set<Entry> {
        var entries: Set<Entry> = []
        for family in [0, Self.bridge] {
            for message in try netlink.list(Message.get, head(family, link)) {
                let content = message.content
                guard message.type == Message.new, content.count >= Self.headSize, content.number(at: 4, bytes: 4) == link,
                    content.number(at: 8, bytes: 2) & UInt32(Self.permanent) != 0
                else { continue }
                let attributes = Netlink.attributes(content.dropFirst(Self.headSize))
                guard let destination = attributes[Attribute.destination].map(Array.init),
                    let hardware = attributes[Attribute.hardware].map(Array.init)
                else { continue }
                entries.insert(
                    content.first == Self.bridge ? .machine(destination, hardware: hardware) : .address(destination, hardware: hardware))
            }
        }
        return entries
    }

    /// Puts one there, in place of another about the same.
    public func set(_ entry: Entry, on link: UInt32) throws {
        try netlink.change(Message.new, flags: Message.setting, body(entry, link), unless: EEXIST)
    }

    /// Takes one away. One that is gone already is no failure.
    public func remove(_ entry: Entry, on link: UInt32) throws { try netlink.change(Message.delete, body(entry, link), unless: ENOENT) }

    private func body(_ entry: Entry, _ link: UInt32) -> [UInt8] {
        let (family, destination, hardware) =
            switch entry {
            case .address(let address, let hardware): (KernelFamily(of: address).rawValue, address, hardware)
            case .machine(let machine, let hardware): (Self.bridge, machine, hardware)
            }
        var body = head(family, link)
        body.append(attribute: Attribute.destination, destination)
        body.append(attribute: Attribute.hardware, hardware)
        return body
    }

    private func head(_ family: UInt8, _ link: UInt32) -> [UInt8] {
        var head: [UInt8] = [family, 0, 0, 0]
        head.append(link, bytes: 4)
        return head + [Self.permanent, 0, family == Self.bridge ? Self.own : 0, 0]
    }
}
