public import NIOCore
internal import NIOHTTP2
public import NIOPosix
internal import Synchronization

/// gRPC over one HTTP/2 connection without TLS. Safe from any thread and any task.
///
/// The connection is made by the first call that finds none; a call that finds nobody there fails at once, and the caller decides
/// when to try again.
///
/// **Rationale.** A gRPC server in Go sends a PING with almost every answer, to measure the connection. NIO's HTTP/2 takes more than 200 of
/// them in half a minute for an attack and ends the connection, with all calls on it. grpc-swift's transport cannot be told otherwise, so
/// the few things that are needed of gRPC are here.
public final class GRPCConnection: Sendable {
    /// Where the server is.
    public enum Target: Sendable {
        case unix(path: String)
        case tcp(host: String, port: Int)

        /// How it is called in a request.
        var authority: String {
            switch self {
            case .unix: "localhost"
            case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            }
        }
    }

    /// An HTTP/2 connection that is up.
    private struct Link: Sendable {
        let channel: any Channel
        let streams: NIOHTTP2Handler.StreamMultiplexer
    }

    private struct State {
        var isStopped = false
        var generation = 0
        /// Being made, or up.
        var link: EventLoopFuture<Link>?
    }

    private let target: Target
    private let userAgent: String?
    private let connectTimeout: Duration
    private let group: MultiThreadedEventLoopGroup
    private let ownsGroup: Bool
    private let state = Mutex(State())

    /// - Parameter group: whose threads carry it. Without one it has a thread of its own, which is enough for all there is to carry on a
    ///   local socket.
    public init(
        to target: Target, userAgent: String? = nil, connectTimeout: Duration = .seconds(5), on group: MultiThreadedEventLoopGroup? = nil
    ) {
        self.target = target
        self.userAgent = userAgent
        self.connectTimeout = connectTimeout
        self.group = group ?? MultiThreadedEventLoopGroup(numberOfThreads: 1)
        ownsGroup = group == nil
    }

    deinit { if ownsGroup { group.shutdownGracefully { _ in } } }

    /// Connects, if it is not connected. Throws `GRPCFailure`.
    public func connect() async throws { _ = try await link().get() }

    /// Ends all calls and the connection; returns when both are gone. Blocks the calling thread. Later calls fail.
    public func stop() {
        // A link that never came up is gone already.
        try? end()?.wait()
    }

    /// The same without waiting.
    public func close() { _ = end() }

    private func end() -> EventLoopFuture<Void>? {
        let link = state.withLock { state in
            state.isStopped = true
            return state.link.take()
        }
        return link?.flatMap { $0.channel.close() }
    }

    /// One call with one answer.
    /// - Parameter method: `runtime.v1.RuntimeService/Version`.
    /// - Returns: a future that fails with `GRPCFailure` and nothing else.
    public func call(_ method: String, _ request: [UInt8], timeout: Duration?) -> EventLoopFuture<[UInt8]> {
        let answer = Answer()
        return begin(makeCall(method, request, timeout) { answer.set($0) }).flatMapThrowing { try answer.get() }
    }

    /// A call with many answers; returns when the server ends it. Each comes on the connection's own thread, which must not be held up.
    /// - Throws: `GRPCFailure`, also when the task is cancelled.
    public func stream(_ method: String, _ request: [UInt8], _ each: @escaping @Sendable ([UInt8]) -> Void) async throws {
        let call = makeCall(method, request, nil, each)
        let ended = begin(call)
        try await withTaskCancellationHandler {
            try await ended.get()
        } onCancel: {
            call.cancel()
        }
    }

    private func makeCall(
        _ method: String, _ request: [UInt8], _ timeout: Duration?, _ receive: @escaping @Sendable ([UInt8]) -> Void
    ) -> GRPCCall {
        GRPCCall(method: method, request: request, timeout: timeout, authority: target.authority, userAgent: userAgent, receive)
    }

    private func begin(_ call: GRPCCall) -> EventLoopFuture<Void> {
        let ended = group.next().makePromise(of: Void.self)
        link().whenComplete { result in
            switch result {
            case .success(let link):
                // A stream of a connection that is just gone has no handler, or one that hears of nothing.
                let opened = link.channel.eventLoop.makePromise(of: (any Channel).self)
                opened.futureResult.whenFailure { _ in
                    ended.fail(GRPCFailure(code: "Unavailable", message: "error reading from server: EOF"))
                }
                link.streams.createStreamChannel(promise: opened) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard channel.parent?.isActive ?? false else { throw ChannelError.ioOnClosedChannel }
                        try channel.pipeline.syncOperations.addHandler(GRPCCallHandler(call, ended))
                    }
                }
            case .failure(let error):
                ended.fail(error as? GRPCFailure ?? GRPCFailure(code: "Unavailable", message: "connection error: \(error)"))
            }
        }
        return ended.futureResult
    }

    private func link() -> EventLoopFuture<Link> {
        state.withLock { state in
            if let link = state.link { return link }
            guard !state.isStopped else {
                return group.next().makeFailedFuture(GRPCFailure(code: "Canceled", message: "the connection was stopped"))
            }
            state.generation += 1
            let link = connect()
            state.link = link
            // The next call after a failure or a loss connects anew.
            let generation = state.generation
            link.whenFailure { _ in self.forget(generation) }
            link.whenSuccess { $0.channel.closeFuture.whenComplete { _ in self.forget(generation) } }
            return link
        }
    }

    private func forget(_ generation: Int) {
        state.withLock { if $0.generation == generation { $0.link = nil } }
    }

    private func connect() -> EventLoopFuture<Link> {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .initialWindowSize, value: 4 << 20), HTTP2Setting(parameter: .enablePush, value: 0),
        ]
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = 4 << 20
        // Whom we call may speak as much as it likes: limits against attackers would only end the connection of a busy server.
        connection.controlFrameRateLimit.maximumCount = .max
        connection.maximumConnectionGlitches = .max
        stream.streamResetFrameRateLimit.maximumCount = .max
        stream.streamErrorRateLimit.maximumCount = .max
        let settings = (connection, stream)
        // The handlers stand before the first byte can come: the server speaks at once.
        let bootstrap = ClientBootstrap(group: group).connectTimeout(TimeAmount(connectTimeout)).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                    mode: .client, connectionConfiguration: settings.0, streamConfiguration: settings.1,
                    inboundStreamInitializer: { $0.close() })
            }
        }
        let (connected, name) =
            switch target {
            case .unix(let path): (bootstrap.connect(unixDomainSocketPath: path), "unix://\(path)")
            case .tcp(let host, let port): (bootstrap.connect(host: host, port: port), target.authority)
            }
        return connected.flatMapThrowing { channel in
            Link(channel: channel, streams: try channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).syncMultiplexer())
        }.flatMapErrorThrowing { error in
            throw GRPCFailure(code: "Unavailable", message: "connection error: cannot connect to \(name): \(error)")
        }
    }
}

/// The one message of a unary answer.
private final class Answer: Sendable {
    private let message = Mutex<[UInt8]?>(nil)

    func set(_ bytes: [UInt8]) { message.withLock { $0 = bytes } }

    func get() throws -> [UInt8] {
        guard let bytes = message.withLock({ $0 }) else {
            throw GRPCFailure(code: "Internal", message: "the server ended the call without an answer")
        }
        return bytes
    }
}
