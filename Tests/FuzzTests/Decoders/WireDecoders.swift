import NIOCore
import Synchronization

@testable import HTTPServer
@testable import PluginHost
@testable import Streaming

/// Frames and messages of connections.
enum WireDecoders {
    static let all = [webSocket, webSocketMessages, spdyFrames, spdyHeaders, spdyConnection, httpResponse, pluginMessage]

    // MARK: WebSocket

    private static func frame(_ opcode: WebSocketFrame.Opcode, _ payload: [UInt8], isFinal: Bool = true, mask: UInt32? = nil) -> [UInt8] {
        Array(WebSocketFrame(opcode: opcode, isFinal: isFinal, payload: ByteBuffer(bytes: payload)).bytes(mask: mask).readableBytesView)
    }

    private static let frames = [
        frame(.text, Array("text".utf8)), frame(.binary, [UInt8](repeating: 1, count: 300)), frame(.ping, [1]) + frame(.close, [3, 232]),
        frame(.binary, [0], isFinal: false) + frame(.continuation, [1]),
    ]
    private static let maskedFrames = [
        frame(.text, Array("text".utf8), mask: 0x0102_0304), frame(.binary, [UInt8](repeating: 1, count: 70_000), mask: 7),
        frame(.binary, [0, 1], isFinal: false, mask: 1) + frame(.ping, [], mask: 1) + frame(.continuation, [1], mask: 1)
            + frame(.close, [3, 232], mask: 9),
    ]

    private static let webSocket = Decoder("websocket-frame", seeds: frames + maskedFrames, longest: 1 << 17) { input in
        var outcome = ""
        for masked in [false, true] {
            var buffer = ByteBuffer(bytes: input)
            do {
                while let frame = try WebSocketFrame.read(from: &buffer, masked: masked, limit: 1 << 20) {
                    outcome += "\(frame.opcode)".prefix(2)
                }
            } catch {
                outcome += "\(error)"
            }
        }
        return String(outcome.prefix(60))
    }

    private static let webSocketMessages = Decoder("websocket", seeds: maskedFrames, longest: 1 << 17) { input in
        let connection = WebSocketConnection(ScriptedPipe(input), role: .server, limit: 1 << 20)
        var count = 0
        while try await connection.next() != nil { count += 1 }
        await connection.close()
        return "\(count)"
    }

    // MARK: SPDY

    private static let streams: [SPDYHeaders] = [
        [("streamtype", "data"), ("port", "80"), ("requestid", "0")], [("streamtype", "error"), ("port", "80"), ("requestid", "0")],
        [("streamtype", "stdin")], [("streamtype", "resize")],
    ]

    private static let conversations: [[UInt8]] = {
        let compressor = SPDYHeaderCompressor()
        var buffer = ByteBuffer()
        for (index, headers) in streams.enumerated() {
            SPDYFrame.synStream(id: UInt32(2 * index + 1), associated: 0, block: compressor.compress(headers), fin: index == 1).write(
                into: &buffer)
        }
        SPDYFrame.settings.write(into: &buffer)
        SPDYFrame.data(id: 1, piece: ByteBuffer(string: "hello"), fin: false).write(into: &buffer)
        SPDYFrame.windowUpdate(id: 1, delta: 10).write(into: &buffer)
        SPDYFrame.data(id: 1, piece: ByteBuffer(), fin: true).write(into: &buffer)
        SPDYFrame.ping(id: 1).write(into: &buffer)
        SPDYFrame.rstStream(id: 3, status: 5).write(into: &buffer)
        SPDYFrame.goAway(lastID: 3, status: 0).write(into: &buffer)
        return [Array(buffer.readableBytesView)]
    }()

    private static let spdyFrames = Decoder("spdy-frame", seeds: conversations) { input in
        var parser = SPDYFrameParser()
        var outcome = ""
        let middle = input.count / 2
        for piece in [input[..<middle], input[middle...]] {
            parser.feed(ByteBuffer(bytes: piece))
            while let frame = try parser.next() { outcome += "\(frame)".prefix(4) }
        }
        return String(outcome.prefix(40))
    }

    private static let spdyHeaders = Decoder("spdy-headers", seeds: streams.map { SPDYHeaderCompressor().compress($0) }) { input in
        "\(try SPDYHeaderDecompressor().decompress(input).count)"
    }

    private static let spdyConnection = Decoder("port-forward", seeds: conversations) { input in
        let pipe = ScriptedPipe(input)
        try await PortForward.serve(pipe, describe: { "\($0) \($1)" }) { _ in EchoPort() }
        return "ended"
    }

    // MARK: HTTP

    private static let httpResponse = Decoder(
        text: "http-response",
        seeds: [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\nrest", "HTTP/1.0 204\r\n\r\n",
        ],
        words: [
            "Content-Length: ", "Transfer-Encoding: chunked", "HTTP/1.1 ", "ffffffffffffffff\r\n", "7fffffffffffffff\r\n", "FFFFFFFF\r\n",
        ]
    ) { input in
        let response = try await HTTP1Request(target: "/", host: "a").send(over: ScriptedPipe(Array(input.utf8)))
        return "\(response.status / 100) \(try await response.collect(upTo: 1 << 16).count)"
    }

    // MARK: Isolated plugins

    /// What crosses a process boundary, read as each structure of the ABI.
    private static let pluginMessage = Decoder("plugin-wire", seeds: [messages(0), messages(1), messages(40)]) { input in
        var outcome = ""
        for layout in [Signatures.pod, Signatures.services, Signatures.key, Signatures.reference] {
            // Aligned, as lines receive it.
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(8, input.count), alignment: 8)
            defer { buffer.deallocate() }
            buffer.copyBytes(from: input)
            var reader = try MessageReader(UnsafeMutableRawBufferPointer(rebasing: buffer[..<input.count]))
            do {
                _ = try MessageHeader(&reader)
                _ = try layout.read(&reader)
                try reader.end()
                outcome += "y"
            } catch {
                outcome += "\(error)".prefix(30)
            }
        }
        return outcome
    }

    private static func messages(_ count: UInt8) -> [UInt8] {
        var writer = MessageWriter()
        MessageHeader(kind: .call, table: 1, slot: 2, serial: 1, id: 1).write(to: &writer)
        for index in 0..<UInt64(60) { writer.word(index % 3 == 0 ? UInt64(count) : 8) }
        return writer.bytes
    }
}

/// A connection whose other side says what it was told to, in three pieces, and takes whatever it is sent.
final class ScriptedPipe: BytePipe {
    private let pieces: Mutex<[ByteBuffer]>

    init(_ input: [UInt8]) {
        let third = max(1, input.count / 3)
        let cuts = stride(from: 0, to: input.count, by: third).map { ByteBuffer(bytes: input[$0..<min(input.count, $0 + third)]) }
        pieces = Mutex(cuts.reversed())
    }

    func read() async throws -> ByteBuffer? { pieces.withLock { $0.popLast() } }
    func write(_ piece: ByteBuffer) async throws {}
    func close() async {}
}

/// A port where nothing listens for long.
private struct EchoPort: PortConnection {
    func read() async throws -> ByteBuffer? { nil }
    func write(_ piece: ByteBuffer) async throws {}
    func finish() async throws {}
    func close() async {}
}
