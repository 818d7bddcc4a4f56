public import NIOSSL

extension TLSConfiguration {
    /// A server's settings from PEM: TLS 1.2 and later.
    public static func server(certificateChainPEM: String, privateKeyPEM: String) throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificateChainPEM.utf8)).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(bytes: Array(privateKeyPEM.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }
}

/// What the server makes of the caller's settings.
struct ServerTLS: Sendable {
    let context: NIOSSLContext

    init(_ configuration: TLSConfiguration) throws {
        var configuration = configuration
        if ![.tlsv12, .tlsv13].contains(configuration.minimumTLSVersion) { configuration.minimumTLSVersion = .tlsv12 }
        configuration.applicationProtocols = ["h2", "http/1.1"]
        // A client may show a certificate. Which CAs count is the responder's to know, so none are named and the system's are not loaded.
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = .certificates([])
        context = try NIOSSLContext(configuration: configuration)
    }
}
