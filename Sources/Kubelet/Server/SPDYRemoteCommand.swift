import APIModel
import HTTPServer
import HTTPTypes
import NIOCore
import PluginHost
import Streaming

/// Each channel is a stream of its own over bare SPDY: what kubectl before 1.29 speaks. Upstream: kubelet `remotecommand`,
/// `v4.channel.k8s.io`.
struct SPDYCommandClient: RemoteCommandClient {
    private static let version = "v4.channel.k8s.io"
    private static let channels = [
        "stdin": RuntimeChannel.stdin, "stdout": RuntimeChannel.stdout, "stderr": RuntimeChannel.stderr, "error": RuntimeChannel.error,
        "resize": RuntimeChannel.resize,
    ]
    /// How long the client may take to open its streams, as upstream.
    private static let creationTimeout = Duration.seconds(30)
    /// How long the client may take to hang up once it was told everything.
    private static let farewellTimeout = Duration.seconds(5)

    private let connection: SPDYConnection
    private let streams: [Int32: SPDYStream]

    /// The headers of the answer, `nil` when the request asks for no SPDY. Throws when the client speaks no version that is spoken here.
    static func accept(_ request: Request) throws -> HTTPFields? {
        guard request.headers[.upgrade]?.lowercased() == "spdy/3.1", let name = HTTPField.Name("X-Stream-Protocol-Version") else {
            return nil
        }
        let offered = request.headers[values: name].flatMap { line in line.split(separator: ",").map { name in name.filter { $0 != " " } } }
        guard offered.contains(version) else {
            let message =
                "unable to upgrade: unable to negotiate protocol: client supports [\(offered.joined(separator: " "))], server accepts [\(version)]"
            throw APIError(code: 403, reason: .forbidden, message: message)
        }
        return [.upgrade: "SPDY/3.1", name: version]
    }

    /// Waits for the client's streams, joins them with what `open` opens, and returns when both sides are done.
    static func serve(
        _ pipe: any BytePipe, _ options: RemoteCommandOptions, _ open: @escaping @Sendable () async throws -> any RuntimeConnection
    ) async throws {
        let connection = SPDYConnection(pipe, role: .server)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await connection.run() }
            if let client = try await gather(from: connection, options) {
                try await client.join(open)
                await client.finish()
                // The client hangs up first, so that what it still sends does not reset the connection before it has read all.
                await withTaskGroup(of: Void.self) { farewell in
                    farewell.addTask { await client.untilGone() }
                    farewell.addTask { try? await Task.sleep(for: farewellTimeout) }
                    await farewell.next()
                    farewell.cancelAll()
                }
            }
            connection.close()
            try await group.waitForAll()
        }
    }

    /// `nil` when the client leaves or takes too long.
    private static func gather(from connection: SPDYConnection, _ options: RemoteCommandOptions) async throws -> SPDYCommandClient? {
        let wanted = [
            (RuntimeChannel.error, true), (RuntimeChannel.stdin, options.stdin), (RuntimeChannel.stdout, options.stdout),
            (RuntimeChannel.stderr, options.stderr),
            (RuntimeChannel.resize, options.tty),
        ]
        let missing = Set(wanted.filter(\.1).map(\.0))
        return try await withThrowingTaskGroup(of: SPDYCommandClient?.self) { group in
            group.addTask {
                var missing = missing
                var streams: [Int32: SPDYStream] = [:]
                while !missing.isEmpty {
                    guard let stream = try await connection.accept() else { return nil }
                    guard let channel = stream.header("streamtype").flatMap({ channels[$0] }), missing.remove(channel) != nil else {
                        stream.reset()
                        continue
                    }
                    streams[channel] = stream
                }
                return SPDYCommandClient(connection: connection, streams: streams)
            }
            group.addTask {
                try await Task.sleep(for: creationTimeout)
                return nil
            }
            let client = try await group.next() ?? nil
            group.cancelAll()
            return client
        }
    }

    func send(_ channel: Int32, _ bytes: [UInt8]) async throws {
        // What was not asked for is dropped.
        try await streams[channel]?.write(ByteBuffer(bytes: bytes))
    }

    func receive(_ deliver: @escaping @Sendable (_ channel: Int32, _ bytes: [UInt8]) async throws -> Void) async {
        let turn = Turn()
        await withTaskGroup(of: Void.self) { group in
            for channel in [RuntimeChannel.stdin, RuntimeChannel.resize] {
                guard let stream = streams[channel] else { continue }
                group.addTask {
                    do {
                        while let piece = try await stream.read() {
                            try await turn.take { try await deliver(channel, Array(piece.readableBytesView)) }
                        }
                        try await turn.take { try await deliver(channel, []) }
                    } catch {
                        // The command takes no more, or the client is gone. What nobody reads must not hold up the connection.
                        while (try? await stream.read()) != nil {}
                    }
                }
            }
            // The ends of those streams are not the end of the client.
            await untilGone()
            group.cancelAll()
        }
    }

    /// One task at a time.
    private func untilGone() async {
        while let stray = try? await connection.accept() { stray.reset() }
    }

    /// Everything was said. What the client still sends is dropped.
    private func finish() async {
        for (channel, stream) in streams {
            try? await stream.finish()
            if channel == RuntimeChannel.stdin || channel == RuntimeChannel.resize { stream.reset() }
        }
    }
}
