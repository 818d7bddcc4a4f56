internal import Glibc

/// A socket to one of the kernel's netlink families.
///
/// Not thread-safe. Message layout: `linux/netlink.h`; numbers are in this machine's byte order.
public struct Netlink: ~Copyable {
    public enum Family: Int32 {
        /// Links, addresses, routes: `linux/rtnetlink.h`.
        case route = 0
        /// Packet filter and connections: `linux/netfilter/nfnetlink.h`.
        case netfilter = 12
    }

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
        /// As in `errno`.
        public var number: Int32
    }

    /// One message of the kernel's.
    public struct Message {
        public var type: UInt16
        /// The family's own head, and attributes.
        public var content: ArraySlice<UInt8>

        /// Of an error: what went wrong, 0 for nothing.
        fileprivate var errorNumber: Int32 { content.count >= 4 ? -Int32(bitPattern: content.number(at: 0, bytes: 4)) : EPROTO }
    }

    private enum Kind {
        static let error: UInt16 = 2
        static let done: UInt16 = 3
    }

    private enum Flag {
        static let request: UInt16 = 1
        static let acknowledge: UInt16 = 4
        static let dump: UInt16 = 0x300
    }

    private let socket: Int32

    public init(_ family: Family) throws {
        socket = Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), family.rawValue)
        guard socket >= 0 else { throw Self.failure("netlink", errno) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    /// All entries of a table. Where it changes meanwhile, some may be left out.
    ///
    /// - Parameter body: the family's head, and attributes.
    public func list(_ type: UInt16, _ body: [UInt8]) throws -> [Message] {
        try send(type, Flag.request | Flag.dump, body)
        var found: [Message] = []
        while true {
            for message in try receive() {
                switch message.type {
                case Kind.done: return found
                case Kind.error: throw Self.failure("reading a table of the kernel", message.errorNumber)
                default: found.append(message)
                }
            }
        }
    }

    /// Has the kernel change something, and waits until it has.
    ///
    /// - Parameters:
    ///   - flags: of the kind of change, `NLM_F_CREATE` for one.
    ///   - harmless: the error that says that things are so already.
    public func change(_ type: UInt16, flags: UInt16 = 0, _ body: [UInt8], unless harmless: Int32) throws {
        try send(type, Flag.request | Flag.acknowledge | flags, body)
        while true {
            for message in try receive() where message.type == Kind.error {
                guard message.errorNumber == 0 || message.errorNumber == harmless else {
                    throw Self.failure("the kernel refused a change", message.errorNumber)
                }
                return
            }
        }
    }

    /// What the kernel answers to a question that is about one thing.
    public func ask(_ type: UInt16, _ body: [UInt8]) throws -> [Message] {
        try send(type, Flag.request | Flag.acknowledge, body)
        var found: [Message] = []
        while true {
            for message in try receive() {
                guard message.type == Kind.error else {
                    found.append(message)
                    continue
                }
                guard message.errorNumber == 0 else { throw Self.failure("asking the kernel", message.errorNumber) }
                return found
            }
        }
    }

    private func send(_ type: UInt16, _ flags: UInt16, _ body: [UInt8]) throws {
        var message: [UInt8] = []
        message.append(UInt32(16 + body.count), bytes: 4)
        message.append(UInt32(type), bytes: 2)
        message.append(UInt32(flags), bytes: 2)
        message.append(0, bytes: 4)
        message.append(0, bytes: 4)
        message += body
        guard Glibc.send(socket, message, message.count, 0) == message.count else { throw Self.failure("netlink", errno) }
    }

    private func receive() throws -> [Message] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { throw Self.failure("netlink", count == 0 ? EPROTO : errno) }
        var messages: [Message] = []
        var rest = buffer[..<count]
        while rest.count >= 16 {
            let length = Int(rest.number(at: 0, bytes: 4))
            guard length >= 16, length <= rest.count else { break }
            messages.append(
                Message(
                    type: UInt16(truncatingIfNeeded: rest.number(at: 4, bytes: 2)), content: rest.dropFirst(16).prefix(length - 16)))
            rest = rest.dropFirst(length.aligned)
        }
        return messages
    }

    /// The attributes in `content`, by type without its flags.
    public static func attributes(_ content: ArraySlice<UInt8>) -> [UInt16: ArraySlice<UInt8>] {
        var found: [UInt16: ArraySlice<UInt8>] = [:]
        var rest = content
        while rest.count >= 4 {
            let length = Int(rest.number(at: 0, bytes: 2))
            guard length >= 4, length <= rest.count else { break }
            // The two highest bits are flags.
            found[UInt16(truncatingIfNeeded: rest.number(at: 2, bytes: 2)) & 0x3fff] = rest.dropFirst(4).prefix(length - 4)
            rest = rest.dropFirst(length.aligned)
        }
        return found
    }

    static func failure(_ what: String, _ number: Int32) -> Failure {
        Failure(description: "\(what): \(String(cString: strerror(number)))", number: number)
    }
}

extension ArraySlice<UInt8> {
    /// The number in `bytes` bytes from `offset`.
    public func number(at offset: Int, bytes: Int) -> UInt32 {
        (0..<bytes).reduce(0) { $0 | UInt32(self[startIndex + offset + $1]) << UInt32(8 * $1) }
    }
}

extension [UInt8] {
    public mutating func append(_ number: UInt32, bytes: Int) {
        for index in 0..<bytes { append(UInt8(truncatingIfNeeded: number >> UInt32(8 * index))) }
    }

    /// An attribute of four bytes.
    mutating func append(attribute type: UInt16, number: UInt32) {
        var content: [UInt8] = []
        content.append(number, bytes: 4)
        append(attribute: type, content)
    }

    public mutating func append(attribute type: UInt16, _ content: some Collection<UInt8>) {
        let length = 4 + content.count
        append(UInt32(length), bytes: 2)
        append(UInt32(type), bytes: 2)
        self += content
        self += [UInt8](repeating: 0, count: length.aligned - length)
    }
}

extension Int {
    /// The next multiple of four.
    fileprivate var aligned: Int { (self + 3) & ~3 }
}
