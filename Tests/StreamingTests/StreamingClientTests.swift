import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import Streaming
import Synchronization
import Testing

/// What a client heard, by channel.
private final class Heard: Sendable {
    private let bytes = Mutex<[Int32: [UInt8]]>([:])
    func add(_ channel: Int32, _ piece: ByteBuffer) { bytes.withLock { $0[channel, default: []] += piece.readableBytesView } }
    func text(_ channel: Int32) -> String? { bytes.withLock { $0[channel].map { String(decoding: $0, as: UTF8.self) } } }
}

@Suite(.timeLimit(.minutes(1))) struct StreamingClientTests {
    /// A streaming server as a CRI runtime has one: `command` gets the streams by type once `count` are there, and all are reset at the
    /// end.
    private func withRuntime(
        streams count: Int, command: @escaping @Sendable ([String: SPDYStream]) async throws -> Void,
        whileServing body: (String) async throws -> Void
    ) async throws {
        struct Runtime: Responder {
            let count: Int
            let command: @Sendable ([String: SPDYStream]) async throws -> Void
            func respond(to request: Request) async -> Response {
                let version = HTTPField.Name("X-Stream-Protocol-Version")!
                guard request.path == "/exec/token", request.method == .post else {
                    return .full(status: .notFound, headers: [:], body: [Array("no such token".utf8)])
                }
                return .upgrade(headers: [.upgrade: "SPDY/3.1", version: request.headers[version] ?? ""]) { pipe in
                    let connection = SPDYConnection(pipe, role: .server)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await connection.run() }
                        var streams: [String: SPDYStream] = [:]
                        while streams.count < count, let stream = try await connection.accept() {
                            streams[stream.header("streamtype") ?? ""] = stream
                        }
                        try await command(streams)
                        for stream in streams.values { stream.reset() }
                        connection.close()
                        try await group.waitForAll()
                    }
                }
            }
        }
        let server = try HTTPServer(
            configuration: .init(host: "127.0.0.1", port: 0), responder: Runtime(count: count, command: command), log: Logger(label: "test")
        )
        let port = try #require(try await server.start().port)
        try await body("http://127.0.0.1:\(port)")
        await server.shutdown(grace: .zero)
    }

    @Test func runsACommand() async throws {
        try await withRuntime(streams: 4) { streams in
            let input = try await streams["stdin"]?.readAll() ?? []
            try await streams["stdout"]?.write("read \(input.count)")
            try await streams["stderr"]?.write("no complaints")
            try await streams["error"]?.write(#"{"metadata":{},"status":"Success"}"#)
        } whileServing: { url in
            let client = try await StreamingClient.remoteCommand(
                url: url + "/exec/token", stdin: true, stdout: true, stderr: true, tty: false)
            let heard = Heard()
            async let over: Void = client.run { channel, piece in heard.add(channel, piece) }
            try await client.send(StreamingClient.stdin, ByteBuffer(repeating: 1, count: 1_000_000))
            try await client.send(StreamingClient.stdin, ByteBuffer())
            try await over
            #expect(heard.text(StreamingClient.stdout) == "read 1000000")
            #expect(heard.text(StreamingClient.stderr) == "no complaints")
            #expect(heard.text(StreamingClient.error) == #"{"metadata":{},"status":"Success"}"#)
            await #expect(throws: (any Error).self) { try await client.send(StreamingClient.stdin, ByteBuffer(string: "late")) }
        }
    }

    @Test func forwardsAPort() async throws {
        try await withRuntime(streams: 2) { streams in
            let data = try #require(streams["data"])
            #expect(data.header("port") == "8080" && streams["error"]?.header("requestid") == data.header("requestid"))
            let bytes = try await data.readAll()
            try await data.write(ByteBuffer(bytes: bytes.reversed()))
        } whileServing: { url in
            let client = try await StreamingClient.portForward(url: url + "/exec/token", port: 8080)
            let heard = Heard()
            async let over: Void = client.run { channel, piece in heard.add(channel, piece) }
            try await client.send(0, ByteBuffer(string: "drawer"))
            try await client.send(0, ByteBuffer())
            try await over
            #expect(heard.text(1) == "reward")
            #expect(heard.text(StreamingClient.error) == "")
        }
    }

    @Test func saysWhatTheServerAnswered() async throws {
        try await withRuntime(streams: 1) { _ in
        } whileServing: { url in
            let error = await #expect(throws: NetworkError.self) {
                try await StreamingClient.remoteCommand(url: url + "/exec/other", stdin: false, stdout: true, stderr: false, tty: false)
            }
            #expect(error?.message == "unable to upgrade connection: 404 Not Found: no such token")
            await #expect(throws: NetworkError.self) { try await StreamingClient.portForward(url: "https://127.0.0.1:1/x", port: 1) }
        }
    }

    @Test func closingEndsIt() async throws {
        try await withRuntime(streams: 2) { streams in
            _ = try await streams["stdin"]?.readAll()
        } whileServing: { url in
            let client = try await StreamingClient.remoteCommand(
                url: url + "/exec/token", stdin: true, stdout: false, stderr: false, tty: false)
            let over = Task { try await client.run { _, _ in } }
            try await client.send(StreamingClient.stdin, ByteBuffer(string: "x"))
            client.close()
            await #expect(throws: ConnectionClosed.self) { try await over.value }
        }
    }
}
