import Foundation
import HTTPTypes
import Logging
import NIOCore
import Synchronization

@testable import HTTPServer

/// Whole connections to a server, over the loopback device.
enum ConnectionDecoders {
    static let all = [http]

    private static let http = Decoder(
        "http-connection",
        seeds: [
            "GET /api/v1/pods?limit=1 HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.0\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a, b\r\n\r\n\u{1}\u{0}",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ].map { Array($0.utf8) },
        words: [
            "Content-Length: ", "Transfer-Encoding: chunked\r\n", "Host: ", "Connection: Upgrade\r\n", "Expect: 100-continue\r\n",
            " HTTP/1.1\r\n", "Upgrade: SPDY/3.1\r\n",
        ]
    ) { input in
        let answer = try exchange(input, port: try await server.port())
        return String(decoding: answer.prefix(12), as: UTF8.self)
    }

    private static let server = EchoServer()

    /// What comes back for `input` until the other side has said all.
    private static func exchange(_ input: [UInt8], port: Int) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard status == 0 else { throw FuzzError("cannot connect: \(errno)") }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var sent = 0
        while sent < input.count {
            let count = input[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { break }
            sent += count
        }
        shutdown(descriptor, Int32(SHUT_WR))
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EAGAIN { Find.report("a connection whose client has said all stays open") }
            guard count > 0, answer.count < 1 << 20 else { return answer }
            answer += buffer[..<count]
        }
    }
}

/// A server that gives back what it gets, started when it is first wanted.
private actor EchoServer {
    private var started: Task<Int, any Error>?

    func port() async throws -> Int {
        if let started { return try await started.value }
        let start = Task {
            var log = Logger(label: "fuzz")
            log.logLevel = .critical
            let server = try HTTPServer(configuration: .init(host: "127.0.0.1", port: 0), responder: Echo(), log: log)
            return try await server.start().port ?? 0
        }
        started = start
        return try await start.value
    }
}

private struct Echo: Responder {
    func respond(to request: Request) async -> Response {
        if let (headers, chosen) = WebSocket.accept(request, protocols: ["a", "b"]) {
            return .upgrade(headers: headers) { pipe in
                let socket = WebSocketConnection(pipe, role: .server, subprotocol: chosen)
                while let message = try await socket.receive() { try await socket.send(message) }
                await socket.close()
            }
        }
        guard let body = try? await request.body.collect(upTo: 1 << 16) else { return .full(status: .badRequest, headers: [:], body: []) }
        return .full(status: .ok, headers: [.contentType: "text/plain"], body: [Array(request.path.utf8), body])
    }
}
