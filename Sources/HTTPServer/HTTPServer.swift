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
        /// A connection without a request is closed after this.
        public var idleTimeout: Duration = .seconds(90)
        /// How long requests may go on after `run` is cancelled.
        public var grace: Duration = .seconds(10)

        public init(host: String, port: Int, tls: TLSConfiguration? = nil) {
            self.host = host
            self.port = port
            self.tls = tls
        }
    }

    private static let handshakeTimeout = TimeAmount.seconds(10)

    private let configuration: Configuration
    private let responder: any Responder
    private let log: Logger
    private let tls: Mutex<ServerTLS?>
    private let connections = Connections()
    private let listener = Mutex<(any Channel)?>(nil)

    /// Throws when the TLS settings are unusable.
    public init(configuration: Configuration, responder: any Responder, log: Logger) throws {
        self.configuration = configuration
        self.responder = responder
        self.log = log
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
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try self.accept(channel) } }
        do {
            let channel = try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
            listener.withLock { $0 = channel }
            guard let address = channel.localAddress else { throw ConnectionClosed() }
            return address
        } catch {
            let reason = (error as? IOError)?.reasonText ?? "\(error)"
            throw NetworkError("cannot listen on \(configuration.host):\(configuration.port): \(reason)", cause: error)
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
        connections.add(channel)
        let operations = channel.pipeline.syncOperations
        guard let tls = tls.withLock({ $0 }) else {
            return try configureHTTP1(channel, info(channel, peerCertificates: []))
        }
        // A client that never finishes its handshake must not keep the connection.
        let timeout = channel.eventLoop.assumeIsolated().scheduleTask(in: Self.handshakeTimeout) { channel.close(promise: nil) }
        let chain = NIOLoopBoundBox<[[UInt8]]>([], eventLoop: channel.eventLoop)
        let handler = NIOSSLServerHandler(
            context: tls.context,
            customVerificationCallback: { certificates, verified in
                chain.value = certificates.compactMap { try? $0.toDERBytes() }
                verified.succeed(.certificateVerified)
            })
        try operations.addHandler(handler)
        try operations.addHandler(
            ApplicationProtocolNegotiationHandler { negotiated, channel in
                timeout.cancel()
                return channel.eventLoop.makeCompletedFuture {
                    // A resumed session does not verify again, but remembers the certificate.
                    if chain.value.isEmpty, let leaf = try channel.pipeline.syncOperations.nioSSL_peerCertificate() {
                        chain.value = [try leaf.toDERBytes()]
                    }
                    let info = self.info(channel, peerCertificates: chain.value)
                    if negotiated == .negotiated("h2") {
                        try self.configureHTTP2(channel, info)
                    } else {
                        try self.configureHTTP1(channel, info)
                    }
                }
            })
        try operations.addHandler(ConnectionErrorHandler(log))
    }

    private func info(_ channel: any Channel, peerCertificates: [[UInt8]]) -> ConnectionInfo {
        let address = channel.remoteAddress.map { address in
            address.ipAddress.map { ip in "\(ip.contains(":") ? "[\(ip)]" : ip):\(address.port ?? 0)" } ?? "\(address)"
        }
        return ConnectionInfo(
            peerCertificates: peerCertificates, remoteAddress: address ?? "", responder: responder, connections: connections)
    }

    private func configureHTTP1(_ channel: any Channel, _ info: ConnectionInfo) throws {
        let operations = channel.pipeline.syncOperations
        try operations.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes)))
        try operations.addHandler(HTTP1Handler(info: info, idleTimeout: TimeAmount(configuration.idleTimeout)))
        try operations.addHandler(ConnectionErrorHandler(log))
    }

    private func configureHTTP2(_ channel: any Channel, _ info: ConnectionInfo) throws {
        let manager = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(maxIdleTime: TimeAmount(configuration.idleTimeout), maxAge: nil, maxGraceTime: nil, keepalive: nil))
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            .init(parameter: .maxConcurrentStreams, value: 1000), .init(parameter: .maxHeaderListSize, value: 1 << 20),
            .init(parameter: .initialWindowSize, value: 256 * 1024),
        ]
        connection.targetWindowSize = 1 << 20
        // Clients in Go send a PING with most of what they receive, to measure the bandwidth.
        connection.controlFrameRateLimit.maximumCount = 20_000
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = 256 * 1024
        stream.outboundBufferSizeHighWatermark = 64 * 1024
        stream.outboundBufferSizeLowWatermark = 32 * 1024
        // Informers that stop end their watches with a reset each, all at once.
        stream.streamResetFrameRateLimit.maximumCount = 2000
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
