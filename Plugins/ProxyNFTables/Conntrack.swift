internal import Glibc

/// The connections that the kernel remembers, through its netlink family: no `conntrack` process, which an isolated plugin could not start.
///
/// Not thread-safe. Message layout: `linux/netfilter/nfnetlink_conntrack.h`.
struct Conntrack: ~Copyable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

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
        static let error: UInt16 = 2
        static let done: UInt16 = 3
    }

    private enum Flag {
        static let request: UInt16 = 1
        static let acknowledge: UInt16 = 4
        static let dump: UInt16 = 0x300
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

    private let socket: Int32

    init() throws {
        // NETLINK_NETFILTER
        socket = Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 12)
        guard socket >= 0 else { throw Self.failure("netlink", errno) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(socket) }

    /// Every flow over UDP and IPv4. Where the table changes meanwhile, some may be left out.
    func flows() throws -> [Flow] {
        try send(Message.get, Flag.request | Flag.dump, [])
        var found: [Flow] = []
        while true {
            for message in try receive() {
                switch message.type {
                case Message.done: return found
                case Message.error: throw Self.failure("reading the connections", message.errorNumber)
                case Message.entry: if let flow = Self.flow(message.content.dropFirst(4)) { found.append(flow) }
                default: break
                }
            }
        }
    }

    /// Makes the kernel forget a flow; one that has ended already is no failure.
    func delete(_ flow: Flow) throws {
        try send(Message.delete, Flag.request | Flag.acknowledge, flow.name)
        while true {
            for message in try receive() where message.type == Message.error {
                guard message.errorNumber == 0 || message.errorNumber == ENOENT else {
                    throw Self.failure("forgetting a connection", message.errorNumber)
                }
                return
            }
        }
    }

    // MARK: Messages

    private struct Received {
        var type: UInt16
        var content: ArraySlice<UInt8>

        /// Of an error: what went wrong, 0 for nothing.
        var errorNumber: Int32 { content.count >= 4 ? -Int32(bitPattern: content.number(at: 0, bytes: 4)) : EPROTO }
    }

    private func send(_ type: UInt16, _ flags: UInt16, _ attributes: [UInt8]) throws {
        var message: [UInt8] = []
        message.append(UInt32(20 + attributes.count), bytes: 4)
        message.append(UInt32(type), bytes: 2)
        message.append(UInt32(flags), bytes: 2)
        message.append(0, bytes: 4)
        message.append(0, bytes: 4)
        message += [UInt8(AF_INET), 0, 0, 0]
        message += attributes
        guard Glibc.send(socket, message, message.count, 0) == message.count else { throw Self.failure("netlink", errno) }
    }

    private func receive() throws -> [Received] {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { throw Self.failure("netlink", count == 0 ? EPROTO : errno) }
        var messages: [Received] = []
        var rest = buffer[..<count]
        while rest.count >= 16 {
            let length = Int(rest.number(at: 0, bytes: 4))
            guard length >= 16, length <= rest.count else { break }
            let content = rest.dropFirst(16).prefix(length - 16)
            messages.append(Received(type: UInt16(truncatingIfNeeded: rest.number(at: 4, bytes: 2)), content: content))
            rest = rest.dropFirst(length.aligned)
        }
        return messages
    }

    private static func flow(_ content: ArraySlice<UInt8>) -> Flow? {
        let attributes = attributes(content)
        guard let original = attributes[Attribute.original], let reply = attributes[Attribute.reply].map(Self.attributes),
            let destination = place(Self.attributes(original), Attribute.destinationAddress, Attribute.destinationPort),
            let answers = place(reply, Attribute.sourceAddress, Attribute.sourcePort)
        else { return nil }
        var name: [UInt8] = []
        name.append(attribute: Attribute.original | Attribute.nested, original)
        if let zone = attributes[Attribute.zone] { name.append(attribute: Attribute.zone, zone) }
        return Flow(destination: destination.text, port: destination.port, answers: answers.text, name: name)
    }

    /// `nil` for what is not UDP over IPv4.
    private static func place(_ tuple: [UInt16: ArraySlice<UInt8>], _ address: UInt16, _ port: UInt16) -> (text: String, port: UInt32)? {
        guard let ip = tuple[Attribute.addresses].map(attributes)?[address], ip.count == 4,
            let transport = tuple[Attribute.ports].map(attributes),
            let number = transport[Attribute.protocolNumber]?.first, number == 17,
            let bytes = transport[port], bytes.count == 2
        else { return nil }
        let portNumber = UInt32(bytes[bytes.startIndex]) << 8 | UInt32(bytes[bytes.startIndex + 1])
        return ("\(ip.map(String.init).joined(separator: ".")):\(portNumber)", portNumber)
    }

    private static func attributes(_ content: ArraySlice<UInt8>) -> [UInt16: ArraySlice<UInt8>] {
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

    private static func failure(_ what: String, _ number: Int32) -> Failure {
        Failure(description: "\(what): \(String(cString: strerror(number)))")
    }
}

// Numbers of this machine's byte order, as netlink has them.
extension ArraySlice<UInt8> {
    fileprivate func number(at offset: Int, bytes: Int) -> UInt32 {
        (0..<bytes).reduce(0) { $0 | UInt32(self[startIndex + offset + $1]) << UInt32(8 * $1) }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ number: UInt32, bytes: Int) {
        for index in 0..<bytes { append(UInt8(truncatingIfNeeded: number >> UInt32(8 * index))) }
    }

    fileprivate mutating func append(attribute type: UInt16, _ content: ArraySlice<UInt8>) {
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
