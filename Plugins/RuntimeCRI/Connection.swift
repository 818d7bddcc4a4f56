internal import NIOCore
internal import NIOHTTP2
internal import NIOPosix
internal import PluginKit
internal import Synchronization

/// gRPC over one HTTP/2 connection to a UNIX socket. Safe from any thread and any task.
///
/// The connection is made by the first call that finds none; a call that finds nobody at the socket fails at once, and the caller decides
/// when to try again.
///
/// **Rationale.** A gRPC server in Go sends a PING with almost every answer, to measure the connection. NIO's HTTP/2 takes more than 200 of
/// them in half a minute for an attack and ends the connection, with all calls on it. grpc-swift's transport cannot be told otherwise, so
/// the few things that CRI needs of gRPC are here.
final class Connection: Sendable {
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

    let socket: String
    // One thread carries all there is to carry on a local socket.
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let state = Mutex(State())

    init(socket: String) { self.socket = socket }

    deinit { group.shutdownGracefully { _ in } }

    /// Ends all calls and the connection; returns when both are gone. Blocks the calling thread. Later calls fail.
    func stop() {
        let link = state.withLock { state in
            state.isStopped = true
            return state.link.take()
        }
        // A link that never came up is gone already.
        try? link?.flatMap { $0.channel.close() }.wait()
    }

    /// One call with one answer.
    /// - Parameter method: `runtime.v1.RuntimeService/Version`.
    /// - Returns: a future that fails with `CRIError` and nothing else.
    func call(_ method: String, _ request: [UInt8], timeout: Duration?) -> EventLoopFuture<[UInt8]> {
        let answer = Answer()
        return begin(GRPCCall(method: method, request: request, timeout: timeout) { answer.set($0) }).flatMapThrowing { try answer.get() }
    }

    /// A call with many answers; returns when the server ends it. Each comes on the connection's own thread, which must not be held up.
    /// - Throws: `CRIError`, also when the task is cancelled.
    func stream(_ method: String, _ request: [UInt8], _ each: @escaping @Sendable ([UInt8]) -> Void) async throws {
        let call = GRPCCall(method: method, request: request, timeout: nil, each)
        let ended = begin(call)
        try await withTaskCancellationHandler {
            try await ended.get()
        } onCancel: {
            call.cancel()
        }
    }

    private func begin(_ call: GRPCCall) -> EventLoopFuture<Void> {
        let ended = group.next().makePromise(of: Void.self)
        link().whenComplete { result in
            switch result {
            case .success(let link):
                link.streams.createStreamChannel(promise: nil) { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(GRPCCallHandler(call, ended)) }
                }
            case .failure(let error): ended.fail(error as? CRIError ?? CRIError(.unavailable, "connection error: \(error)"))
            }
        }
        return ended.futureResult
    }

    private func link() -> EventLoopFuture<Link> {
        state.withLock { state in
            if let link = state.link { return link }
            guard !state.isStopped else {
                return group.next().makeFailedFuture(CRIError(.cancelled, "the runtime plugin is stopped"))
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
        // The runtime is trusted: limits against attackers would only end the connection of a busy node.
        connection.controlFrameRateLimit.maximumCount = .max
        connection.maximumConnectionGlitches = .max
        stream.streamResetFrameRateLimit.maximumCount = .max
        stream.streamErrorRateLimit.maximumCount = .max
        let settings = (connection, stream)
        let socket = socket
        // The handlers stand before the first byte can come: the server speaks at once.
        let bootstrap = ClientBootstrap(group: group).connectTimeout(.seconds(5)).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
                    mode: .client, connectionConfiguration: settings.0, streamConfiguration: settings.1,
                    inboundStreamInitializer: { $0.close() })
            }
        }
        return bootstrap.connect(unixDomainSocketPath: socket).flatMapThrowing { channel in
            Link(channel: channel, streams: try channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).syncMultiplexer())
        }.flatMapErrorThrowing { error in
            throw CRIError(.unavailable, "connection error: cannot connect to unix://\(socket): \(error)")
        }
    }
}

/// The one message of a unary answer.
private final class Answer: Sendable {
    private let message = Mutex<[UInt8]?>(nil)

    func set(_ bytes: [UInt8]) { message.withLock { $0 = bytes } }

    func get() throws -> [UInt8] {
        guard let bytes = message.withLock({ $0 }) else {
            throw CRIError(.internal, "the runtime ended the call without an answer")
        }
        return bytes
    }
}
