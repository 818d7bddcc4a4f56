import HTTPServer
import NIOCore
import NIOSSL
import Streaming

/// HTTP/2 frame by frame, for tests of what no well-behaved client sends.
final class HTTP2Client {
    struct Frame {
        var type: UInt8
        var flags: UInt8
        var stream: UInt32
        var payload: [UInt8]
    }

    static let (data, headers, reset, settings, goAway, continuation) = (UInt8(0), UInt8(1), UInt8(3), UInt8(4), UInt8(7), UInt8(9))
    static let (endStream, endHeaders, acknowledged) = (UInt8(1), UInt8(4), UInt8(1))

    let pipe: ChannelPipe
    /// Read and not yet taken apart.
    private var rest = ByteBuffer()

    private init(pipe: ChannelPipe) { self.pipe = pipe }

    /// Says hello, with a first window of `window` bytes for each stream, and acknowledges the server's settings, which bind from then on.
    static func connect(port: Int, window: UInt32 = 65_535) async throws -> HTTP2Client {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        let pipe = try await Dial.tcp(host: "127.0.0.1", port: port, timeout: .seconds(10)) { channel in
            try channel.pipeline.syncOperations.addHandler(try NIOSSLClientHandler(context: context, serverHostname: nil))
        }
        let client = HTTP2Client(pipe: pipe)
        try await pipe.write(ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        try await client.send(settings, payload: [0, 4] + withUnsafeBytes(of: window.bigEndian) { Array($0) })
        _ = await client.frames { $0.type == settings && $0.flags & acknowledged == 0 }
        try await client.send(settings, flags: acknowledged)
        return client
    }

    func send(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) async throws {
        var buffer = ByteBuffer()
        buffer.writeBytes([UInt8(payload.count >> 16 & 255), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), type, flags])
        buffer.writeInteger(stream)
        buffer.writeBytes(payload)
        try await pipe.write(buffer)
    }

    /// The head of a GET, or of a POST whose body is to come.
    static func head(_ path: String = "/", method: String = "GET") -> [UInt8] {
        let method: [UInt8] = method == "GET" ? [0x82] : [0x83]
        return method + [0x87, 0x44, UInt8(path.utf8.count)] + Array(path.utf8) + [0x41, 1, UInt8(ascii: "a")]
    }

    func get(_ stream: UInt32, _ path: String = "/") async throws {
        try await send(Self.headers, flags: Self.endStream | Self.endHeaders, stream: stream, payload: Self.head(path))
    }

    /// What the server sends until it closes or `isEnough`.
    func frames(until isEnough: (Frame) -> Bool = { _ in false }) async -> [Frame] {
        var frames: [Frame] = []
        while true {
            while let frame = Self.take(&rest) {
                frames.append(frame)
                if isEnough(frame) { return frames }
            }
            guard var piece = try? await pipe.read() else { return frames }
            rest.writeBuffer(&piece)
        }
    }

    private static func take(_ buffer: inout ByteBuffer) -> Frame? {
        guard let head = buffer.getBytes(at: buffer.readerIndex, length: 9) else { return nil }
        let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
        guard buffer.readableBytes >= 9 + length else { return nil }
        buffer.moveReaderIndex(forwardBy: 9)
        let stream = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
        return Frame(type: head[3], flags: head[4], stream: stream, payload: buffer.readBytes(length: length) ?? [])
    }
}
