import FileSystem
import NIOCore
import NIOPosix
import NIOSSL

/// A TCP connection as probes and hooks need it: dial, send, read a little.
enum Connection {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// What came is not TLS, which was expected.
        var isPlain = false
    }

    /// Only dials. Throws `Failure` in the words of Go's `net` package.
    static func dial(_ host: String, _ port: Int, timeout: Duration) async throws {
        let channel = try await channel(host, port, timeout: timeout) { $0.eventLoop.makeSucceededVoidFuture() }
        channel.close(promise: nil)
    }

    /// Sends `request` and returns the answer as far as `limit`, or until the other side is done. The time is for all of it.
    static func exchange(_ host: String, _ port: Int, tls: Bool, _ request: String, limit: Int, timeout: Duration) async throws -> [UInt8] {
        let collector = Collector(limit: limit, done: MultiThreadedEventLoopGroup.singleton.next().makePromise(of: [UInt8].self))
        let channel: any Channel
        do {
            channel = try await Self.channel(host, port, timeout: timeout) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if tls {
                        var configuration = TLSConfiguration.makeClientConfiguration()
                        // A probe asks whether something answers, not who: pods have certificates of any make.
                        configuration.certificateVerification = .none
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(collector)
                }
            }
        } catch {
            collector.done.fail(error)
            throw error
        }
        let (seconds, attoseconds) = timeout.components
        let deadline = channel.eventLoop.scheduleTask(in: .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)) {
            collector.fail(Failure(description: "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"))
        }
        defer {
            deadline.cancel()
            channel.close(promise: nil)
        }
        channel.writeAndFlush(ByteBuffer(string: request), promise: nil)
        return try await withTaskCancellationHandler {
            try await collector.done.futureResult.get()
        } onCancel: {
            channel.eventLoop.execute { collector.fail(CancellationError()) }
        }
    }

    private static func channel(
        _ host: String, _ port: Int, timeout: Duration, initialize: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) async throws -> any Channel {
        let (seconds, attoseconds) = timeout.components
        let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        do {
            return try await abandonable {
                let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(
                    .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
                ).channelInitializer(initialize)
                let channel = try await bootstrap.connect(host: host, port: port).get()
                if Task.isCancelled { channel.close(promise: nil) }
                return channel
            }
        } catch {
            try Task.checkCancellation()
            throw Failure(description: "dial tcp \(address): \(reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return reason(first.error) }
            return "lookup \(error.host): no such host"
        case let error as IOError: return "connect: \(Files.text(error.errnoCode))"
        case ChannelError.connectTimeout: return "i/o timeout"
        default: return "\(error)"
        }
    }
}

/// Gathers what comes until the end, the limit or an error.
private final class Collector: ChannelInboundHandler, @unchecked Sendable {
    // Sendable because its state is touched on the channel's event loop only, `fail` included, which the scheduled deadline runs there.
    typealias InboundIn = ByteBuffer
    let done: EventLoopPromise<[UInt8]>
    private let limit: Int
    private var bytes: [UInt8] = []
    private var isDone = false

    init(limit: Int, done: EventLoopPromise<[UInt8]>) {
        self.limit = limit
        self.done = done
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += unwrapInboundIn(data).readableBytesView
        if bytes.count >= limit { finish() }
    }
    func channelInactive(context: ChannelHandlerContext) { finish() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Many servers close TLS without saying goodbye.
        if bytes.isEmpty { fail(Self.failure(error)) } else { finish() }
        context.close(promise: nil)
    }

    /// The library tells of what came in place of TLS in no other way than by the name of the mistake.
    private static func failure(_ error: any Error) -> Connection.Failure {
        guard case NIOSSLError.handshakeFailed(let cause) = error, "\(cause)".contains("WRONG_VERSION_NUMBER") else {
            return Connection.Failure(description: "\(error)")
        }
        return Connection.Failure(description: "http: server gave HTTP response to HTTPS client", isPlain: true)
    }

    private func finish() {
        guard !isDone else { return }
        isDone = true
        done.succeed(bytes)
    }
    func fail(_ error: any Error) {
        guard !isDone else { return }
        isDone = true
        done.fail(error)
    }
}
