import Glibc

/// Answers one gRPC call after another in the same words, as a Go server frames them.
final class HealthServer: Sendable {
    enum Answer: Sendable {
        /// A message of one field, and status 0.
        case state(UInt8)
        case refusal(status: String, message: String)
        /// Bytes that are no HTTP/2.
        case noise
    }

    let port: UInt16
    private let listener: Int32

    init(_ answer: Answer) {
        let server = SilentServer()
        (port, listener) = (server.port, dup(server.descriptor))
        let listener = listener
        _ = Thread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else {
                    // Closed here alone: elsewhere its number could be another's before this thread is done with it.
                    close(listener)
                    return
                }
                var buffer = [UInt8](repeating: 0, count: 4096)
                var received: [UInt8] = []
                // What answers a call before it is made is no answer.
                while !Self.hasCall(received) {
                    let count = read(client, &buffer, buffer.count)
                    guard count > 0 else { break }
                    received += buffer[..<count]
                }
                let bytes = Self.bytes(answer)
                _ = bytes.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                // Until the caller has read all and leaves.
                while read(client, &buffer, buffer.count) > 0 {}
                close(client)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Whether a whole request has come: the preface of HTTP/2, frames, and one among them that ends its stream.
    private static func hasCall(_ bytes: [UInt8]) -> Bool {
        var rest = bytes.dropFirst(24)
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.count >= 9 + length else { return false }
            if head[3] <= 1, head[4] & 1 == 1 { return true }
            rest = rest.dropFirst(9 + length)
        }
        return false
    }

    private static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, 0, UInt8(payload.count), type, flags, 0, 0, 0, stream] + payload
    }

    private static func field(_ name: String, _ value: String) -> [UInt8] {
        [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
    }

    private static func bytes(_ answer: Answer) -> [UInt8] {
        let settings = frame(4, 0, 0, [])
        let head: [UInt8] = [0x88] + field("content-type", "application/grpc")
        switch answer {
        case .noise: return Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
        case .state(let state):
            let message: [UInt8] = [0, 0, 0, 0, 2, 0x08, state]
            return settings + frame(1, 4, 1, head) + frame(0, 0, 1, message) + frame(1, 5, 1, field("grpc-status", "0"))
        case .refusal(let status, let message):
            return settings + frame(1, 5, 1, head + field("grpc-status", status) + field("grpc-message", message))
        }
    }
}
