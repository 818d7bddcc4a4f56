/// What messages about routes are made of. Layout: `linux/rtnetlink.h`.
enum RouteMessage {
    static let new: UInt16 = 24
    static let delete: UInt16 = 25
    static let get: UInt16 = 26
    /// `NLM_F_CREATE` and `NLM_F_REPLACE`.
    static let setting: UInt16 = 0x500

    enum Attribute {
        static let destination: UInt16 = 1
        static let link: UInt16 = 4
        static let gateway: UInt16 = 5
        static let source: UInt16 = 7
    }

    enum Table {
        static let main: UInt8 = 254
        static let local: UInt8 = 255
    }

    /// `struct rtmsg`.
    struct Head {
        static let size = 12

        var family: KernelFamily
        /// Of the destination.
        var prefix: UInt8
        var table: UInt8
        /// Who put it there, as `rtm_protocol` says.
        var mark: UInt8
        /// How far away what it leads to is.
        var scope: UInt8
        var kind: UInt8
        var flags: UInt8 = 0

        /// Whether it is a route as `other` would make one. What the kernel says beside that is its own.
        func isOf(_ other: Head) -> Bool {
            (family, prefix, table, mark, kind) == (other.family, other.prefix, other.table, other.mark, other.kind)
        }

        var bytes: [UInt8] { [family.rawValue, prefix, 0, 0, table, mark, scope, kind, flags, 0, 0, 0] }
    }

    /// A route in the kernel's answer; `nil` for any other message, and for a family that is none of ours.
    static func route(_ message: Netlink.Message) -> (head: Head, attributes: [UInt16: ArraySlice<UInt8>])? {
        let bytes = Array(message.content.prefix(Head.size))
        guard message.type == new, bytes.count == Head.size, let family = KernelFamily(rawValue: bytes[0]) else { return nil }
        let head = Head(family: family, prefix: bytes[1], table: bytes[4], mark: bytes[5], scope: bytes[6], kind: bytes[7])
        return (head, Netlink.attributes(message.content.dropFirst(Head.size)))
    }
}
