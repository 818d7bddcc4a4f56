import HTTPServer
import HTTPTypes
import NIOCore
import NIOSSL
import Streaming
import Testing

/// What a client can do to a connection with many streams.
@Suite(.timeLimit(.minutes(1))) struct HTTP2LimitTests {
    private func with(
        limits: Limits = Limits(), answer: @escaping @Sendable (Request) async -> Response = { _ in .text("ok") },
        whileServing body: (Int) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            let server = try await Identity.make(in: directory, name: "server")
            let tls = try TLSConfiguration.server(certificateChainPEM: server.certificate, privateKeyPEM: server.key)
            try await withServer(tls: tls, limits: limits, answer: answer) { _, port in
                try await body(port)
                // Whatever one client did, another is served.
                let client = try await HTTP2Client.connect(port: port)
                try await client.get(1)
                #expect(await client.frames { $0.type == HTTP2Client.data }.last?.payload == Array("ok".utf8))
                await client.pipe.close()
            }
        }
    }

    @Test func aHeadOfManyPiecesEndsTheConnection() async throws {
        try await with { port in
            let client = try await HTTP2Client.connect(port: port)
            try await client.send(HTTP2Client.headers, flags: HTTP2Client.endStream, stream: 1, payload: HTTP2Client.head())
            for _ in 0..<50 { try? await client.send(HTTP2Client.continuation, stream: 1, payload: [0x00, 1, 120, 1, 121]) }
            #expect(await client.frames().contains { $0.type == HTTP2Client.goAway })
        }
    }

    @Test func aHeadThatIsTooLargeIsNotTaken() async throws {
        try await with(limits: .with { $0.headSize = 4096 }) { port in
            let client = try await HTTP2Client.connect(port: port)
            let field = [0x00, 1, 120, 0x7f, 0x81, 0x06] + [UInt8](repeating: 121, count: 127 + 1 + 6 * 128)
            let payload = HTTP2Client.head() + (0..<10).flatMap { _ in field }
            try await client.send(
                HTTP2Client.headers, flags: HTTP2Client.endStream | HTTP2Client.endHeaders, stream: 1, payload: payload)
            #expect(await client.frames().contains { $0.type == HTTP2Client.goAway || $0.type == HTTP2Client.reset })
        }
    }

    @Test func resetsWithoutEndEndTheConnection() async throws {
        try await with(limits: .with { $0.resets = 50 }) { port in
            let client = try await HTTP2Client.connect(port: port)
            for number in 0..<200 as Range<UInt32> {
                try? await client.get(number * 2 + 1)
                try? await client.send(HTTP2Client.reset, stream: number * 2 + 1, payload: [0, 0, 0, 8])
            }
            #expect(await client.frames().contains { $0.type == HTTP2Client.goAway })
        }
    }

    @Test func streamsAreCounted() async throws {
        try await with(
            limits: .with { $0.streams = 10 }
        ) { request in
            guard request.path == "/wait" else { return .text("ok") }
            try? await Task.sleep(for: .seconds(60))
            return .text("late")
        } whileServing: { port in
            let client = try await HTTP2Client.connect(port: port)
            for number in 0..<20 as Range<UInt32> { try? await client.get(number * 2 + 1, "/wait") }
            let refused = await client.frames { $0.type == HTTP2Client.reset || $0.type == HTTP2Client.goAway }.last
            #expect(refused?.type == HTTP2Client.goAway || refused?.stream ?? 0 > 20)
            await client.pipe.close()
        }
    }

    @Test func aStreamWhoseReaderStallsIsGivenUp() async throws {
        let ended = Signal<Bool>()
        try await with(
            limits: .with { $0.stall = .milliseconds(300) }
        ) { request in
            guard request.path == "/watch" else { return .text("ok") }
            return .stream(status: .ok, headers: [:]) { body in
                do {
                    while true { try await body.write(ByteBuffer(repeating: 1, count: 16 * 1024)) }
                } catch {
                    await ended.report(true)
                    throw error
                }
            }
        } whileServing: { port in
            // The connection lives; only that one stream has no window.
            let client = try await HTTP2Client.connect(port: port, window: 0)
            try await client.get(1, "/watch")
            #expect(await ended.wait())
            let frames = await client.frames { $0.type == HTTP2Client.reset }
            #expect(frames.last?.type == HTTP2Client.reset && frames.last?.stream == 1)
            await client.pipe.close()
        }
    }

    @Test func aBodyThatStallsEndsItsStream() async throws {
        let failed = Signal<Bool>()
        try await with(
            limits: .with { $0.bodyPause = .milliseconds(300) }
        ) { request in
            do { _ = try await request.body.collect(upTo: 100) } catch { await failed.report(true) }
            return .text("ok")
        } whileServing: { port in
            let client = try await HTTP2Client.connect(port: port)
            try await client.send(
                HTTP2Client.headers, flags: HTTP2Client.endHeaders, stream: 1, payload: HTTP2Client.head(method: "POST"))
            #expect(await failed.wait())
            #expect(await client.frames { $0.type == HTTP2Client.reset }.last?.stream == 1)
            await client.pipe.close()
        }
    }
}
