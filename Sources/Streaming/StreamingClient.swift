public import NIOCore
import Synchronization

/// A client of a CRI runtime's streaming server, at the URL that `Exec`, `Attach` or `PortForward` answered.
///
/// Channels have the numbers of the remote-command protocol; a forwarded port has its bytes on 0 (to the container) and 1 (from it). An
/// empty piece ends a channel.
public final class StreamingClient: Sendable {
    public static let stdin: Int32 = 0
    public static let stdout: Int32 = 1
    public static let stderr: Int32 = 2
    /// What went wrong: after exec and attach one `Status` as JSON, also of success; after port-forward words, if any.
    public static let error: Int32 = 3
    public static let resize: Int32 = 4

    /// One stream, and the channels it is to this side.
    private struct Channel: Sendable {
        var read: Int32?
        var written: Int32?
        var headers: SPDYHeaders
    }

    private let connection: SPDYConnection
    private let channels: [Channel]
    private let written = Mutex<[Int32: SPDYStream]>([:])
    /// Shut until the streams are open.
    private let ready = OutboundGate()

    private init(_ pipe: any BytePipe, _ channels: [Channel]) {
        connection = SPDYConnection(pipe, role: .client)
        self.channels = channels
        ready.setWritable(false)
    }

    /// For exec and attach; the flags must be those of the CRI request. Throws what the streaming server answered instead.
    public static func remoteCommand(url: String, stdin: Bool, stdout: Bool, stderr: Bool, tty: Bool) async throws -> StreamingClient {
        let wanted: [(Bool, Int32?, Int32?, String)] = [
            (true, Self.error, nil, "error"), (stdin, nil, Self.stdin, "stdin"), (stdout, Self.stdout, nil, "stdout"),
            (stderr && !tty, Self.stderr, nil, "stderr"),
            (tty, nil, Self.resize, "resize"),
        ]
        let channels = wanted.filter(\.0).map { Channel(read: $0.1, written: $0.2, headers: [("streamtype", $0.3)]) }
        return StreamingClient(try await upgrade(url, version: "v4.channel.k8s.io"), channels)
    }

    /// For one connection to `port`.
    public static func portForward(url: String, port: Int) async throws -> StreamingClient {
        let common = [(name: "port", value: "\(port)"), (name: "requestid", value: "0")]
        let channels = [
            Channel(read: error, written: nil, headers: [("streamtype", "error")] + common),
            Channel(read: stdout, written: stdin, headers: [("streamtype", "data")] + common),
        ]
        return StreamingClient(try await upgrade(url, version: PortForward.spdyProtocol), channels)
    }

    /// Opens the streams and carries bytes until the container's side has said all, `close` is called or the task is cancelled. `deliver`
    /// is called for one piece of a channel at a time; while it runs the channel waits. Throws what broke the connection.
    public func run(_ deliver: @escaping @Sendable (_ channel: Int32, _ bytes: ByteBuffer) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.connection.run() }
            do {
                var read: [(channel: Int32, stream: SPDYStream)] = []
                for channel in channels {
                    let stream = try await connection.open(channel.headers)
                    if let number = channel.read { read.append((number, stream)) }
                    if let number = channel.written { written.withLock { $0[number] = stream } }
                }
                ready.setWritable(true)
                try await withThrowingTaskGroup(of: Void.self) { readers in
                    for (channel, stream) in read {
                        readers.addTask {
                            while let piece = try await stream.read() { try await deliver(channel, piece) }
                            try await deliver(channel, ByteBuffer())
                        }
                    }
                    try await readers.waitForAll()
                }
            } catch {
                ready.fail(error)
                connection.close()
                throw error
            }
            ready.fail(ConnectionClosed())
            connection.close()
            try await group.waitForAll()
        }
    }

    /// Sends to the container; an empty piece ends the channel. Returns when the connection can take more, throws when it is over. One task
    /// at a time for a channel.
    public func send(_ channel: Int32, _ bytes: ByteBuffer) async throws {
        try await ready.pass()
        guard let stream = written.withLock({ $0[channel] }) else { throw NetworkError("the stream has no channel \(channel)") }
        if bytes.readableBytes == 0 { try await stream.finish() } else { try await stream.write(bytes) }
    }

    /// Ends `run`, which throws `ConnectionClosed` if the container had more to say.
    public func close() { connection.close() }

    private static func upgrade(_ url: String, version: String) async throws -> any BytePipe {
        guard url.hasPrefix("http://") else { throw NetworkError("streaming URL \(url) is not supported: only http:// is") }
        let rest = url.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" }
        guard let colon = authority.lastIndex(of: ":"), let port = Int(authority[authority.index(after: colon)...]) else {
            throw NetworkError("streaming URL \(url) has no port")
        }
        let host = authority[..<colon].filter { $0 != "[" && $0 != "]" }
        let pipe = try await Dial.tcp(host: host, port: port)
        let request = HTTP1Request(
            method: "POST", target: rest.count == authority.count ? "/" : String(rest[authority.endIndex...]), host: String(authority),
            headers: [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("X-Stream-Protocol-Version", version)])
        do {
            let response = try await request.send(over: pipe)
            guard response.status == 101 else {
                let body = String(decoding: try await response.collect(upTo: 64 * 1024), as: UTF8.self)
                throw NetworkError("unable to upgrade connection: \(response.status) \(response.reason): \(body)")
            }
            guard response.header("X-Stream-Protocol-Version") ?? version == version else {
                throw NetworkError("the streaming server does not speak \(version)")
            }
            return response.pipe
        } catch {
            await pipe.close()
            throw error
        }
    }
}
