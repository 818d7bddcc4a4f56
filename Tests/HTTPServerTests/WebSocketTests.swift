import HTTPServer
import HTTPTypes
import NIOCore
import Streaming
import Testing

@Suite(.timeLimit(.minutes(1))) struct WebSocketTests {
    private func withEcho(limit: Int = 1 << 20, _ body: (any RawConnection, Int) async throws -> Void) async throws {
        try await withServer { request in
            guard let (headers, subprotocol) = WebSocket.accept(request, protocols: ["v5.channel.k8s.io", "v4.channel.k8s.io"]) else {
                return .text("no WebSocket", status: .badRequest)
            }
            return .upgrade(headers: headers) { pipe in
                let socket = WebSocketConnection(pipe, role: .server, subprotocol: subprotocol, limit: limit)
                while let message = try await socket.next() {
                    switch message {
                    case .text(let text): try await socket.send(text: text)
                    case .binary(let bytes): try await socket.send(bytes)
                    }
                }
            }
        } whileServing: { _, port in
            try await body(try await Dialer.connect(host: "127.0.0.1", port: port), port)
        }
    }

    @Test func carriesMessagesBothWays() async throws {
        try await withEcho { pipe, _ in
            let socket = try await WebSocket.connect(
                over: pipe, target: "/", host: "a", protocols: ["v9", "v4.channel.k8s.io", "v5.channel.k8s.io"])
            #expect(socket.subprotocol == "v4.channel.k8s.io")
            for size in [0, 1, 125, 126, 65535, 65536, 300_000] {
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
                try await socket.send(bytes)
                try await socket.ping()
                #expect(try await socket.next() == .binary(bytes))
            }
            try await socket.send(text: "grüezi")
            #expect(try await socket.next() == .text("grüezi"))
            await socket.close(code: 1000)
        }
    }

    @Test func speaksTheHandshakeOfRFC6455() async throws {
        try await withEcho { pipe, _ in
            try await pipe.write(
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            let head = try await pipe.read(until: "\r\n\r\n")
            #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
            // "Hello" in two masked fragments with a ping between, as in the RFC's examples.
            try await pipe.write(
                ByteBuffer(
                    bytes: [0x01, 0x83, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d] + [0x89, 0x80, 1, 2, 3, 4] + [
                        0x80, 0x82, 0x37, 0xfa, 0x21, 0x3d, 0x5b, 0x95,
                    ]))
            var answer: [UInt8] = []
            while answer.count < 9, let piece = try await pipe.read() { answer += piece.readableBytesView }
            #expect(answer == [0x8a, 0x00] + [0x81, 0x05] + Array("Hello".utf8))
            await pipe.close()
        }
    }

    @Test(
        arguments: [
            ([0x82, 0x01, 0x00], 1002),  // not masked
            ([0xC2, 0x80, 0, 0, 0, 0], 1002),  // reserved bit
            ([0x80, 0x80, 0, 0, 0, 0], 1002),  // continuation of nothing
            ([0x83, 0x80, 0, 0, 0, 0], 1002),  // unknown opcode
            ([0x09, 0x80, 0, 0, 0, 0], 1002),  // fragmented ping
            ([0x82, 0xFE, 0x04, 0x01, 0, 0, 0, 0], 1009),  // larger than the limit
            ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),  // not UTF-8
        ] as [([UInt8], UInt16)])
    func endsAConnectionThatBreaksTheRules(frame: [UInt8], code: UInt16) async throws {
        try await withEcho(limit: 1024) { pipe, _ in
            try await pipe.write(
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            _ = try await pipe.read(until: "\r\n\r\n")
            // The server may have closed the connection before we are told that this was written.
            try? await pipe.write(ByteBuffer(bytes: frame))
            var answer = ByteBuffer()
            while var piece = try await pipe.read() { answer.writeBuffer(&piece) }
            #expect(answer.readInteger(as: UInt8.self) == 0x88)
            _ = answer.readInteger(as: UInt8.self)
            #expect(answer.readInteger(as: UInt16.self) == code)
        }
    }

    @Test func saysWhatTheServerAnsweredInstead() async throws {
        try await withServer { _ in
            .text("pods \"a\" not found", status: .notFound)
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            let error = await #expect(throws: WebSocket.Refused.self) { try await WebSocket.connect(over: pipe, target: "/", host: "a") }
            #expect(error?.status == 404)
            #expect(error?.body == Array("pods \"a\" not found".utf8))
        }
    }
}
