import FileSystem
import Glibc

/// A connection to D-Bus. Everything here blocks; one caller at a time, but for `hangUp`.
final class SystemBus: @unchecked Sendable {
    // What changes is touched by its one caller only.
    private let socket: Int32
    private var serial: UInt32 = 0
    private var input: [UInt8] = []
    private var descriptors: [Int32] = []
    /// Those that came while an answer was waited for.
    private var signals: [BusMessage] = []

    /// Connects and says who it is. How long it waits for an answer is bounded, how long for a signal is not.
    init(_ path: String) throws {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw Files.Failure(operation: "socket", path: path, code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isShort = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.utf8.count < place.count else { return false }
            place.copyBytes(from: path.utf8)
            return true
        }
        guard isShort else { throw Files.Failure(operation: "connect", path: path, code: ENAMETOOLONG) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard result == 0 else { throw Files.Failure(operation: "connect", path: path, code: errno) }
        let user = String(getuid()).utf8.map { String($0, radix: 16) }.joined()
        try write([0] + Array("AUTH EXTERNAL \(user)\r\n".utf8))
        try expect("OK")
        try write(Array("NEGOTIATE_UNIX_FD\r\n".utf8))
        try expect("AGREE_UNIX_FD")
        try write(Array("BEGIN\r\n".utf8))
        _ = try call(BusMessage(call: "Hello", of: "org.freedesktop.DBus", at: "/org/freedesktop/DBus", to: "org.freedesktop.DBus"))
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
        if socket >= 0 { close(socket) }
    }

    /// Ends what waits on it. From any thread, any number of times.
    func hangUp() { shutdown(socket, Int32(SHUT_RDWR)) }

    /// Waits for the answer. Throws what the other side says, and when the connection ends.
    func call(_ message: BusMessage) throws -> BusMessage {
        try call(taking: message).answer
    }

    /// The same for one that is answered with a descriptor, which is the caller's to close.
    func descriptor(_ message: BusMessage) throws -> Int32 {
        guard let descriptor = try call(taking: message).descriptors.first else {
            throw ConfigurationError(message: "\(message.member) was answered without a descriptor")
        }
        return descriptor
    }

    /// The next signal that was asked for; waits for as long as it takes.
    func signal() throws -> BusMessage {
        if !signals.isEmpty { return signals.removeFirst() }
        while true {
            let (message, others) = try receive(within: nil)
            for descriptor in others { close(descriptor) }
            if message.kind == .signal { return message }
        }
    }

    private func call(taking message: BusMessage) throws -> (answer: BusMessage, descriptors: [Int32]) {
        serial &+= 1
        var message = message
        message.serial = serial
        try write(message.bytes)
        while true {
            let (answer, others) = try receive(within: Self.patience)
            guard answer.replySerial == serial, answer.kind == .answer || answer.kind == .error else {
                for descriptor in others { close(descriptor) }
                if answer.kind == .signal { signals.append(answer) }
                continue
            }
            guard answer.kind == .answer else {
                for descriptor in others { close(descriptor) }
                throw ConfigurationError(message: "\(message.member): \(answer.string ?? answer.error)")
            }
            return (answer, others)
        }
    }

    // MARK: Bytes

    private static let patience: Int32 = 10_000

    private func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Files.Failure(operation: "send", path: "D-Bus", code: errno) }
            rest = rest.dropFirst(count)
        }
    }

    private func expect(_ word: String) throws {
        while true {
            if let end = input.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: input[..<end], as: UTF8.self)
                input.removeFirst(end + 1)
                guard line.hasPrefix(word) else { throw ConfigurationError(message: "the bus does not let it in: \(line)") }
                return
            }
            guard input.count < 4096 else { throw ConfigurationError(message: "this is no bus") }
            try read(within: Self.patience)
        }
    }

    private func receive(within milliseconds: Int32?) throws -> (BusMessage, [Int32]) {
        while true {
            if input.count >= BusMessage.headLength {
                guard let length = BusMessage.length(Array(input.prefix(BusMessage.headLength))) else {
                    throw ConfigurationError(message: "the bus sent what is no message")
                }
                if input.count >= length {
                    guard let message = BusMessage(Array(input.prefix(length))) else {
                        throw ConfigurationError(message: "the bus sent what is no message")
                    }
                    input.removeFirst(length)
                    let own = Array(descriptors.prefix(Int(message.descriptors)))
                    descriptors.removeFirst(own.count)
                    return (message, own)
                }
            }
            try read(within: milliseconds)
        }
    }

    private func read(within milliseconds: Int32?) throws {
        var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        let ready = poll(&waiting, 1, milliseconds ?? -1)
        guard ready != 0 else { throw ConfigurationError(message: "the bus does not answer") }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        // A header of 16 bytes before each lot of descriptors.
        var control = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { place in
            control.withUnsafeMutableBytes { side in
                var vector = iovec(iov_base: place.baseAddress, iov_len: place.count)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var message = msghdr()
                    message.msg_iov = vector
                    message.msg_iovlen = 1
                    message.msg_control = side.baseAddress
                    message.msg_controllen = side.count
                    let count = recvmsg(socket, &message, Int32(MSG_CMSG_CLOEXEC))
                    if count > 0 { descriptors += Self.descriptors(UnsafeRawBufferPointer(rebasing: side[..<message.msg_controllen])) }
                    return count
                }
            }
        }
        if count < 0 && errno == EINTR { return }
        guard count > 0 else { throw ConfigurationError(message: "the bus has gone away") }
        input += bytes[..<count]
    }

    /// Those in control messages, as the kernel writes them: a length that counts its header, a level, a type, the descriptors.
    private static func descriptors(_ control: UnsafeRawBufferPointer) -> [Int32] {
        var found: [Int32] = []
        var offset = 0
        while offset + 16 <= control.count {
            let length = control.loadUnaligned(fromByteOffset: offset, as: Int.self)
            guard length >= 16, offset + length <= control.count else { break }
            let level = control.loadUnaligned(fromByteOffset: offset + 8, as: Int32.self)
            let type = control.loadUnaligned(fromByteOffset: offset + 12, as: Int32.self)
            if level == SOL_SOCKET, type == Int32(SCM_RIGHTS) {
                for place in stride(from: offset + 16, to: offset + length - 3, by: 4) {
                    found.append(control.loadUnaligned(fromByteOffset: place, as: Int32.self))
                }
            }
            offset += (length + 7) / 8 * 8
        }
        return found
    }
}
