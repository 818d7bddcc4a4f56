import NIOCore
import NIOSSL
import Streaming

/// Opens connections to other servers: the API server to kubelets, tests to anything.
public enum Dialer {
    public struct TLS: Sendable {
        /// Whom to believe; `nil` for the system's roots.
        public var caPEM: String?
        /// What to show, leaf first.
        public var certificateChainPEM: String?
        public var privateKeyPEM: String?
        /// The name to verify, where it is not the host dialled.
        public var serverName: String?
        /// Believe any certificate, as the API server does with kubelets for which it was given no CA.
        public var trustsAnyone: Bool

        public init(
            caPEM: String? = nil, certificateChainPEM: String? = nil, privateKeyPEM: String? = nil, serverName: String? = nil,
            trustsAnyone: Bool = false
        ) {
            self.caPEM = caPEM
            self.certificateChainPEM = certificateChainPEM
            self.privateKeyPEM = privateKeyPEM
            self.serverName = serverName
            self.trustsAnyone = trustsAnyone
        }

        func context() throws -> NIOSSLContext {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            if let caPEM { configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(caPEM.utf8))) }
            if trustsAnyone { configuration.certificateVerification = .none }
            if let certificateChainPEM, let privateKeyPEM {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificateChainPEM.utf8)).map {
                    .certificate($0)
                }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(privateKeyPEM.utf8), format: .pem))
            }
            return try NIOSSLContext(configuration: configuration)
        }
    }

    /// Over TLS when `tls` is given; HTTP/1.1 is agreed on. A refused certificate shows at the first read or write. Throws `NetworkError`
    /// with the address.
    ///
    /// - Parameter admits: asked with the IP address that the name came to, before a byte is sent there.
    public static func connect(
        host: String, port: Int, tls: TLS? = nil, timeout: Duration = .seconds(10),
        admits: @escaping @Sendable (String) -> Bool = { _ in true }
    ) async throws -> any RawConnection {
        let gate: @Sendable (any Channel) throws -> Void = { try $0.pipeline.syncOperations.addHandler(AddressGate(admits)) }
        guard let tls else { return try await Dial.tcp(host: host, port: port, timeout: timeout, admits: admits, configure: gate) }
        let context = try tls.context()
        // An address cannot be a server name; NIO then verifies the certificate against the address connected to.
        let name = tls.serverName ?? host
        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
        return try await Dial.tcp(host: host, port: port, timeout: timeout, admits: admits) { channel in
            try gate(channel)
            try channel.pipeline.syncOperations.addHandler(
                try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name))
        }
    }

    public static func connect(unixSocket path: String, timeout: Duration = .seconds(10)) async throws -> any RawConnection {
        try await Dial.unix(path: path, timeout: timeout)
    }
}

/// Keeps the handlers behind it, TLS for one, from greeting an address that is not wanted.
private final class AddressGate: ChannelInboundHandler {
    typealias InboundIn = Any

    private let admits: @Sendable (String) -> Bool

    init(_ admits: @escaping @Sendable (String) -> Bool) { self.admits = admits }

    func channelActive(context: ChannelHandlerContext) {
        if let address = context.remoteAddress?.ipAddress, admits(address) { context.fireChannelActive() }
    }
}
