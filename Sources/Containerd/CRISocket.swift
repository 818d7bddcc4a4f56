internal import Glibc

/// Single CRI calls over containerd's socket for what happens before the runtime plugin runs and after it has stopped: has it come up, and
/// what is there to take down.
///
/// It is gRPC in its smallest form: one connection and one call each, and of a refusal only that it was one. Calls block.
struct CRISocket {
    let path: String

    /// Whether a server accepts connections.
    func accepts() -> Bool {
        guard let descriptor = connected() else { return false }
        close(descriptor)
        return true
    }

    /// The response message; nil when the call is refused, the server is not there or the deadline passes.
    func call(_ method: String, _ request: [UInt8], deadline: Deadline) -> [UInt8]? {
        guard let descriptor = connected() else { return nil }
        defer { close(descriptor) }
        var exchange = Exchange(descriptor: descriptor, deadline: deadline)
        return exchange.run("/runtime.v1." + method, request)
    }

    private func connected() -> Int32? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard status == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}

/// One HTTP/2 connection with one request on stream 1.
private struct Exchange {
    let descriptor: Int32
    let deadline: Deadline
    private var input: [UInt8] = []

    init(descriptor: Int32, deadline: Deadline) {
        self.descriptor = descriptor
        self.deadline = deadline
    }

    private enum Frame {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
        static let endStream: UInt8 = 1
        static let acknowledge: UInt8 = 1
        static let endHeaders: UInt8 = 4
    }

    mutating func run(_ path: String, _ request: [UInt8]) -> [UInt8]? {
        var output = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        // Windows so large that no answer of CRI ever waits for an update.
        output += frame(Frame.settings, 0, 0, [0, 4] + bigEndian(0x7fff_ffff))
        output += frame(Frame.windowUpdate, 0, 0, bigEndian(0x7fff_0000))
        // Literals without indexing and without Huffman coding; the one-byte fields are from HPACK's static table.
        var headers: [UInt8] = [0x83, 0x86]  // :method POST, :scheme http
        headers += [0x04] + string(path) + [0x01] + string("localhost")
        headers += [0x0f, 0x10] + string("application/grpc") + [0x00] + string("te") + string("trailers")
        output += frame(Frame.headers, Frame.endHeaders, 1, headers)
        output += frame(Frame.data, Frame.endStream, 1, [0] + bigEndian(UInt32(request.count)) + request)
        guard send(output) else { return nil }

        var answer: [UInt8] = []
        while let head = take(9), let payload = take(Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])) {
            switch head[3] {
            case Frame.data: answer += payload
            case Frame.settings where head[4] & Frame.acknowledge == 0:
                guard send(frame(Frame.settings, Frame.acknowledge, 0, [])) else { return nil }
            case Frame.ping where head[4] & Frame.acknowledge == 0:
                guard send(frame(Frame.ping, Frame.acknowledge, 0, payload)) else { return nil }
            case Frame.reset, Frame.goAway: return nil
            default: break
            }
            let ends = (head[3] == Frame.data || head[3] == Frame.headers) && head[4] & Frame.endStream != 0
            // A refusal has trailers and no message.
            if ends { return answer.count >= 5 ? Array(answer[5...]) : nil }
        }
        return nil
    }

    private func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        [UInt8(payload.count >> 16 & 0xff), UInt8(payload.count >> 8 & 0xff), UInt8(payload.count & 0xff), type, flags] + bigEndian(stream)
            + payload
    }

    private func bigEndian(_ number: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }

    /// Every name and path here is shorter than the 127 bytes that one length byte can say.
    private func string(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + text.utf8 }

    private func send(_ bytes: [UInt8]) -> Bool {
        var offset = 0
        while offset < bytes.count {
            guard wait(POLLOUT) else { return false }
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while input.count < count {
            guard wait(POLLIN) else { return nil }
            let received = recv(descriptor, &buffer, buffer.count, 0)
            if received < 0, errno == EINTR { continue }
            guard received > 0 else { return nil }
            input += buffer[..<received]
        }
        defer { input.removeFirst(count) }
        return Array(input[..<count])
    }

    private func wait(_ events: Int32) -> Bool {
        while true {
            var wait = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&wait, 1, deadline.milliseconds)
            if count > 0 { return true }
            guard count < 0, errno == EINTR, !deadline.isPast else { return false }
        }
    }
}
