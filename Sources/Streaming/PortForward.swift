public import NIOCore

/// A connection to a port of a pod.
public protocol PortConnection: Sendable {
    /// The next bytes, `nil` when the other side has finished. One task at a time.
    func read() async throws -> ByteBuffer?
    /// Returns when the other side can take more. One task at a time.
    func write(_ piece: ByteBuffer) async throws
    /// Nothing more will be written; reading goes on.
    func finish() async throws
    /// Exactly once, when both directions are over.
    func close() async
}

/// The server's side of port forwarding: streams over SPDY, in pairs of one for data and one for errors, each pair a connection to a port.
public enum PortForward {
    /// SPDY in the messages of a WebSocket: the subprotocol that kubectl asks for since 1.31.
    public static let webSocketProtocol = "SPDY/3.1+portforward.k8s.io"
    /// The `X-Stream-Protocol-Version` of a bare `Upgrade: SPDY/3.1`.
    public static let spdyProtocol = "portforward.k8s.io"
    /// How long one stream of a pair waits for the other, as upstream.
    private static let pairTimeout = Duration.seconds(30)

    /// Serves until the client leaves or the task is cancelled. `connect` opens the connection to a port; what it or the connection throws
    /// is told to the client in words that `describe` finds.
    public static func serve(
        _ pipe: any BytePipe, describe: @escaping @Sendable (Int, any Error) -> String,
        connect: @escaping @Sendable (Int) async throws -> any PortConnection
    ) async throws {
        let connection = SPDYConnection(pipe, role: .server)
        let pairs = StreamPairs()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await connection.run() }
            while let stream = try await connection.accept() {
                switch pairs.add(stream) {
                case .refused: stream.reset()
                case .whole(let pair): group.addTask { await forward(pair, describe: describe, connect: connect) }
                case .half:
                    group.addTask {
                        try await Task.sleep(for: pairTimeout)
                        if pairs.remove(stream) { stream.reset() }
                    }
                }
            }
            group.cancelAll()
        }
    }

    private static func forward(
        _ pair: StreamPairs.Pair, describe: @Sendable (Int, any Error) -> String,
        connect: @Sendable (Int) async throws -> any PortConnection
    ) async {
        do {
            let target = try await connect(pair.port)
            do {
                try await copy(pair.data, target)
            } catch {
                await target.close()
                throw error
            }
            await target.close()
        } catch {
            // The client may be gone as well.
            try? await pair.errors.write(ByteBuffer(string: describe(pair.port, error)))
        }
        try? await pair.errors.finish()
        try? await pair.data.finish()
    }

    private static func copy(_ data: SPDYStream, _ target: any PortConnection) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                while let piece = try await target.read() { try await data.write(piece) }
                try await data.finish()
                return true
            }
            group.addTask {
                while let piece = try await data.read() { try await target.write(piece) }
                // The client gave the connection up rather than its half of it.
                if data.wasReset { return true }
                try await target.finish()
                return false
            }
            // Once the pod has said all, what the client still sends has no reader; the other way round the answer is still to come.
            while let isOver = try await group.next() { if isOver { break } }
            group.cancelAll()
        }
    }
}
