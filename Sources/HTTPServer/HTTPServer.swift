public import Logging
public import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
public import NIOSSL
import NIOTLS
import Streaming
import Synchronization

/// Serves HTTP/1.1 and, over TLS, HTTP/2. Every request runs in a task of its own, cancelled when its client goes away.
public final class HTTPServer: Sendable {
    public struct Configuration: Sendable {
        public var host: String
        /// 0 for any free port.
        public var port: Int
        /// `nil` for plain HTTP/1.1. Protocols, versions and the treatment of client certificates are the server's own.
        public var tls: TLSConfiguration?
        /// What one client gets at most.
        public var limits = Limits()
        /// How long requests may go on after `run` is cancelled.
        public var grace: Duration = .seconds(10)
        /// Called, on any thread, when a connection ends before TLS is agreed on. Must not block.
        public var handshakeFailed: (@Sendable () -> Void)?

        public init(host: String, port: Int, tls: TLSConfiguration? = nil) {
            self.host = host
            self.port = port
            self.tls = tls
        }
    }

    private let configuration: Configuration
    private let responder: any Responder
    private let log: Logger
    private let tls: Mutex<ServerTLS?>
    private let connections: Connections
    private let listener = Mutex<(any Channel)?>(nil)

    /// Throws when the TLS settings are unusable.
    public init(configuration: Configuration, responder: any Responder, log: Logger) throws {
        self.configuration = configuration
        self.responder = responder
        self.log = log
        connections = Connections(limits: configuration.limits)
        self.tls = Mutex(try configuration.tls.map(ServerTLS.init))
    }

    /// Connections accepted from now on use `configuration`: after a certificate was renewed.
    public func reload(tls configuration: TLSConfiguration) throws {
        let new = try ServerTLS(configuration)
        tls.withLock { $0 = new }
    }

    /// Listens. Requests are answered from now on. Throws `NetworkError` with the address when it cannot be bound.
    @discardableResult
    public func start() async throws -> SocketAddress {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Who opens many at once must not keep the next one waiting for a turn.
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try self.accept(channel) } }
        do {
            let channel = try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
            listener.withLock { $0 = channel }
            keepTime(on: channel)
            guard let address = channel.localAddress else { throw ConnectionClosed() }
            return address
        } catch {
            let reason = (error as? IOError)?.reasonText ?? "\(error)"
            throw NetworkError("cannot listen on \(configuration.host):\(configuration.port): \(reason)", cause: error)
        }
    }

    /// Ends what has waited too long, for as long as the server listens.
    private func keepTime(on channel: any Channel) {
        let limits = configuration.limits
        let shortest = [limits.handshake, limits.head, limits.bodyPause, limits.body, limits.idle, limits.stall].min() ?? .seconds(1)
        let tick = TimeAmount(max(.milliseconds(10), min(.seconds(1), shortest / 4)))
        channel.eventLoop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { [connections] task in
            guard channel.isActive else { return task.cancel() }
            connections.expire(.now())
        }
    }

    /// Serves until `shutdown` or until the task is cancelled, then ends gracefully. Starts when `start` was not called.
    public func run() async throws {
        if listener.withLock({ $0 == nil }) { try await start() }
        guard let channel = listener.withLock({ $0 }) else { return }
        await withTaskCancellationHandler {
            // A listener's close cannot fail but for being closed already.
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        await shutdown(grace: configuration.grace)
    }

    /// Stops accepting, lets running requests finish for `grace`, then closes what is left and waits for its tasks. Idempotent.
    public func shutdown(grace: Duration) async {
        try? await listener.withLock { $0 }?.close().get()
        connections.quiesce()
        await connections.drain(limit: grace)
        connections.closeAll()
        // Cancelled tasks end at once, but for a responder that ignores it.
        await connections.drain(limit: .seconds(2))
    }

    // MARK: connections, on their event loops

    private func accept(_ channel: any Channel) throws {
        guard let connection = connections.add(channel) else { return }
        let operations = channel.pipeline.syncOperations
        let limits = configuration.limits
        guard let tls = tls.withLock({ $0 }) else {
            connection.deadline.set(.input, in: limits.head)
            return try configureHTTP1(channel, info(connection, peerCertificates: []))
        }
        let chain = NIOLoopBoundBox<[[UInt8]]>([], eventLoop: channel.eventLoop)
        let isAgreed = NIOLoopBoundBox(false, eventLoop: channel.eventLoop)
        if let failed = configuration.handshakeFailed {
            channel.closeFuture.whenComplete { _ in if !isAgreed.value { failed() } }
        }
        let handler = NIOSSLServerHandler(
            context: tls.context,
            customVerificationCallback: { certificates, verified in
                chain.value = certificates.compactMap { try? $0.toDERBytes() }
                verified.succeed(.certificateVerified)
            })
        try operations.addHandler(handler)
        try operations.addHandler(
            ApplicationProtocolNegotiationHandler { negotiated, channel in
                isAgreed.value = true
                connection.deadline.set(.input, in: limits.head)
                return channel.eventLoop.makeCompletedFuture {
                    // A resumed session does not verify again, but remembers the certificate.
                    if chain.value.isEmpty, let leaf = try channel.pipeline.syncOperations.nioSSL_peerCertificate() {
                        chain.value = [try leaf.toDERBytes()]
                    }
                    let info = self.info(connection, peerCertificates: chain.value)
                    if negotiated == .negotiated("h2") {
                        try self.configureHTTP2(channel, info)
                    } else {
                        try self.configureHTTP1(channel, info)
                    }
                }
            })
        try operations.addHandler(ConnectionErrorHandler(log))
    }

    private func info(_ connection: Connection, peerCertificates: [[UInt8]]) -> ConnectionInfo {
        let address = connection.channel.remoteAddress.map { address in
            address.ipAddress.map { ip in "\(ip.contains(":") ? "[\(ip)]" : ip):\(address.port ?? 0)" } ?? "\(address)"
        }
        return ConnectionInfo(
            peerCertificates: peerCertificates, remoteAddress: address ?? "", responder: responder, connections: connections,
            connection: connection, limits: configuration.limits)
    }

    private func configureHTTP1(_ channel: any Channel, _ info: ConnectionInfo) throws {
        let operations = channel.pipeline.syncOperations
        var sizes = NIOHTTPDecoderLimitConfiguration()
        sizes.maxHeaderFieldSize = min(sizes.maxHeaderFieldSize, info.limits.headSize)
        sizes.maxHeaderListSize = info.limits.headSize
        sizes.maxHeaderFieldCount = info.limits.headFields
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: sizes)
        try operations.addHandler(HeadClock(info.connection))
        // The decoder keeps a request's line until it is whole.
        try operations.addHandler(ByteToMessageHandler(decoder, maximumBufferSize: info.limits.headSize))
        try operations.addHandler(HTTP1Handler(info: info))
        try operations.addHandler(ConnectionErrorHandler(log))
    }

    private func configureHTTP2(_ channel: any Channel, _ info: ConnectionInfo) throws {
        let limits = info.limits
        let manager = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            // A little earlier than the connection is closed without a word.
            configuration: .init(maxIdleTime: TimeAmount(limits.idle * 0.9), maxAge: nil, maxGraceTime: nil, keepalive: nil))
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            .init(parameter: .maxConcurrentStreams, value: limits.streams),
            .init(parameter: .maxHeaderListSize, value: limits.headSize), .init(parameter: .initialWindowSize, value: 256 * 1024),
        ]
        connection.targetWindowSize = 1 << 20
        connection.maximumSequentialContinuationFrames = limits.continuations
        connection.controlFrameRateLimit.maximumCount = limits.controlFrames
        connection.controlFrameRateLimit.windowLength = TimeAmount(limits.window)
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = 256 * 1024
        stream.outboundBufferSizeHighWatermark = 64 * 1024
        stream.outboundBufferSizeLowWatermark = 32 * 1024
        stream.streamResetFrameRateLimit.maximumCount = limits.resets
        stream.streamResetFrameRateLimit.windowLength = TimeAmount(limits.window)
        try channel.pipeline.syncOperations.addHandler(FlushGatherer())
        _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: connection, streamConfiguration: stream, streamDelegate: manager.http2StreamDelegate
        ) { stream in
            stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(HTTP2StreamHandler(info: info)) }
        }
        try channel.pipeline.syncOperations.addHandler(manager)
        try channel.pipeline.syncOperations.addHandler(ConnectionErrorHandler(log))
    }
}
