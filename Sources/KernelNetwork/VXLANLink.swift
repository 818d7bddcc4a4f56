internal import Glibc

/// A link of ours whose packets go to other machines inside of UDP (RFC 7348): to which, its permanent neighbours say.
///
/// Not thread-safe. Message layout: `linux/if_link.h`.
public struct VXLANLink: ~Copyable {
    public struct Shape: Hashable {
        /// Which of the networks between the machines, 1 to 2^24 - 1.
        public var identifier: UInt32
        public var port: UInt16
        /// The address of this machine that packets leave from, and the link that has it.
        public var local: [UInt8]
        public var underlay: UInt32
        public var hardware: [UInt8]
        public var mtu: UInt32

        public init(identifier: UInt32, port: UInt16, local: [UInt8], underlay: UInt32, hardware: [UInt8], mtu: UInt32) {
            (self.identifier, self.port, self.local) = (identifier, port, local)
            (self.underlay, self.hardware, self.mtu) = (underlay, hardware, mtu)
        }
    }

    private enum Message {
        static let new: UInt16 = 16
        static let delete: UInt16 = 17
        static let get: UInt16 = 18
        /// `NLM_F_CREATE` and `NLM_F_EXCL`.
        static let creating: UInt16 = 0x600
    }

    private enum Attribute {
        static let hardware: UInt16 = 1
        static let name: UInt16 = 3
        static let mtu: UInt16 = 4
        static let info: UInt16 = 18
        static let kind: UInt16 = 1
        static let data: UInt16 = 2
        static let nested: UInt16 = 0x8000
    }

    private enum Setting {
        static let identifier: UInt16 = 1
        static let underlay: UInt16 = 3
        static let local: UInt16 = 4
        static let learns: UInt16 = 7
        static let port: UInt16 = 15
        static let local6: UInt16 = 17
    }

    private static let kind = "vxlan"
    private static let isUp: UInt32 = 1
    private static let headSize = 16

    private let name: String
    private let netlink: Netlink

    /// - Parameter name: of at most 15 bytes.
    public init(name: String) throws {
        netlink = try Netlink(.route)
        self.name = name
    }

    /// Its number; `nil` where it is not there.
    public var index: UInt32? {
        let index = if_nametoindex(name)
        return index == 0 ? nil : index
    }

    /// How long packets on another link may be.
    public func mtu(of link: UInt32) throws -> UInt32? {
        try description(of: link)?[Attribute.mtu].map { $0.number(at: 0, bytes: 4) }
    }

    /// Has it be there as `shape` says, and up. One that is there already with another shape is made anew, and its neighbours are gone.
    /// - Returns: its number.
    public func set(_ shape: Shape) throws -> UInt32 {
        if let index {
            if try current(index) == shape {
                try raise(index)
                return index
            }
            try remove()
        }
        var body = Self.head(0)
        body.append(attribute: Attribute.name, Array(name.utf8) + [0])
        body.append(attribute: Attribute.hardware, shape.hardware)
        body.append(attribute: Attribute.mtu, number: shape.mtu)
        var data: [UInt8] = []
        data.append(attribute: Setting.identifier, number: shape.identifier)
        data.append(attribute: Setting.underlay, number: shape.underlay)
        data.append(attribute: shape.local.count == 4 ? Setting.local : Setting.local6, shape.local)
        data.append(attribute: Setting.learns, [0])
        data.append(attribute: Setting.port, [UInt8(shape.port >> 8), UInt8(truncatingIfNeeded: shape.port)])
        var info: [UInt8] = []
        info.append(attribute: Attribute.kind, Self.kind.utf8)
        info.append(attribute: Attribute.data | Attribute.nested, data)
        body.append(attribute: Attribute.info | Attribute.nested, info)
        try netlink.change(Message.new, flags: Message.creating, body, unless: 0)
        guard let index else { throw Netlink.failure("the link \(name)", ENODEV) }
        try raise(index)
        return index
    }

    /// Takes it away with its neighbours and routes. One that is gone already is no failure.
    public func remove() throws {
        guard let index else { return }
        try netlink.change(Message.delete, Self.head(index), unless: ENODEV)
    }

    private func raise(_ index: UInt32) throws { try netlink.change(Message.new, Self.head(index, flags: Self.isUp), unless: 0) }

    /// The shape of the link; `nil` where it is of another kind.
    private func current(_ index: UInt32) throws -> Shape? {
        guard let attributes = try description(of: index), let info = attributes[Attribute.info].map(Netlink.attributes),
            info[Attribute.kind].map({ String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }) == Self.kind,
            let settings = info[Attribute.data].map(Netlink.attributes), let identifier = settings[Setting.identifier],
            let local = settings[Setting.local] ?? settings[Setting.local6], let port = settings[Setting.port],
            let hardware = attributes[Attribute.hardware], let mtu = attributes[Attribute.mtu]
        else { return nil }
        return Shape(
            identifier: identifier.number(at: 0, bytes: 4), port: UInt16(port[port.startIndex]) << 8 | UInt16(port[port.startIndex + 1]),
            local: Array(local), underlay: settings[Setting.underlay]?.number(at: 0, bytes: 4) ?? 0, hardware: Array(hardware),
            mtu: mtu.number(at: 0, bytes: 4))
    }

    private func description(of link: UInt32) throws -> [UInt16: ArraySlice<UInt8>]? {
        try netlink.ask(Message.get, Self.head(link)).first { $0.type == Message.new && $0.content.count >= Self.headSize }
            .map { Netlink.attributes($0.content.dropFirst(Self.headSize)) }
    }

    /// `struct ifinfomsg`.
    private static func head(_ index: UInt32, flags: UInt32 = 0) -> [UInt8] {
        var head: [UInt8] = [0, 0, 0, 0]
        for number in [index, flags, flags] { head.append(number, bytes: 4) }
        return head
    }
}
