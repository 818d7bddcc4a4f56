import FileSystem
import Glibc
import Synchronization

@testable import Kubelet

/// logind behind a bus, over the real protocol: waits while somebody holds its descriptor, and goes down when told.
final class FakeLogind: Sendable {
    struct State {
        /// Microseconds.
        var delay: UInt64
        /// What it is to be after its settings were read anew.
        var newDelay: UInt64?
        var calls: [String] = []
        var client: Int32 = -1
        /// The other end of the descriptor that was given away: it says when that is closed.
        var lock: Int32 = -1
    }
    let state: Mutex<State>
    let path: String
    private let listener: Int32

    init(_ path: String, delay: UInt64, newDelay: UInt64? = nil) {
        self.path = path
        state = Mutex(State(delay: delay, newDelay: newDelay))
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let listener = listener
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        listen(listener, 8)
        _ = Thread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                _ = Thread { self.serve(client) }
            }
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        let client = state.withLock { $0.client }
        shutdown(client, Int32(SHUT_RDWR))
    }

    var isHeld: Bool {
        let lock = state.withLock { $0.lock }
        guard lock >= 0 else { return false }
        var waiting = pollfd(fd: lock, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) == 0
    }

    func tell(isGoingDown: Bool) {
        var signal = BusMessage(.signal)
        (signal.path, signal.interface, signal.member) = (
            "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForShutdown"
        )
        signal.signature = "b"
        signal.serial = 1
        signal.body = [isGoingDown ? 1 : 0, 0, 0, 0]
        send(state.withLock { $0.client }, signal.bytes)
    }

    private func send(_ client: Int32, _ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Glibc.send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private func serve(_ client: Int32) {
        var input: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        var hasBegun = false
        while true {
            let count = read(client, &piece, piece.count)
            guard count > 0 else {
                close(client)
                return
            }
            input += piece[..<count]
            while !hasBegun, let end = input.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: input[..<end].filter { $0 != 0 && $0 != 13 }, as: UTF8.self)
                input.removeFirst(end + 1)
                if line.hasPrefix("AUTH EXTERNAL") { send(client, Array("OK 0123\r\n".utf8)) }
                if line == "NEGOTIATE_UNIX_FD" { send(client, Array("AGREE_UNIX_FD\r\n".utf8)) }
                hasBegun = line == "BEGIN"
            }
            while hasBegun, input.count >= 16, let length = BusMessage.length(Array(input.prefix(16))), input.count >= length {
                if let call = BusMessage(Array(input.prefix(length))) { answer(call, client) }
                input.removeFirst(length)
            }
        }
    }

    private func answer(_ call: BusMessage, _ client: Int32) {
        var answer = BusMessage(.answer)
        answer.serial = call.serial
        answer.replySerial = call.serial
        switch call.member {
        case "Get":
            answer.signature = "v"
            let delay = state.withLock { $0.delay }
            answer.body = [1, UInt8(ascii: "t"), 0, 0, 0, 0, 0, 0] + withUnsafeBytes(of: delay.littleEndian) { Array($0) }
        case "KillUnit": state.withLock { $0.delay = $0.newDelay ?? $0.delay }
        case "Inhibit": (answer.signature, answer.descriptors, answer.body) = ("h", 1, [0, 0, 0, 0])
        default: break
        }
        guard call.member == "Inhibit" else {
            send(client, answer.bytes)
            state.withLock {
                $0.calls.append(call.member)
                if call.member == "AddMatch" { $0.client = client }
            }
            return
        }
        var ends: [Int32] = [0, 0]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        give(ends[1], with: answer.bytes, to: client)
        close(ends[1])
        state.withLock {
            if $0.lock >= 0 { close($0.lock) }
            $0.lock = ends[0]
            $0.calls.append(call.member)
        }
    }

    private func give(_ descriptor: Int32, with bytes: [UInt8], to client: Int32) {
        var bytes = bytes
        // A length that counts its header, a level, a type, and the descriptor, in a whole number of words.
        var control = withUnsafeBytes(of: 20) { Array($0) }
        for number in [Int32(SOL_SOCKET), Int32(SCM_RIGHTS), descriptor, 0] { control += withUnsafeBytes(of: number) { Array($0) } }
        bytes.withUnsafeMutableBytes { place in
            control.withUnsafeMutableBytes { side in
                var vector = iovec(iov_base: place.baseAddress, iov_len: place.count)
                withUnsafeMutablePointer(to: &vector) { vector in
                    var message = msghdr()
                    message.msg_iov = vector
                    message.msg_iovlen = 1
                    message.msg_control = side.baseAddress
                    message.msg_controllen = side.count
                    _ = sendmsg(client, &message, Int32(MSG_NOSIGNAL))
                }
            }
        }
    }
}
