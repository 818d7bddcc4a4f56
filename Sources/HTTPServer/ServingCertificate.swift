import NIOCore
public import NIOSSL

/// What a server shows of itself, and which TLS it speaks.
public struct ServingCertificate: Sendable, Equatable {
    /// In PEM, leaf first.
    public var chainPEM: String
    public var keyPEM: String
    /// Others, for clients that ask for one of their names: the first that fits word for word, or else by a wildcard.
    public var named: [Named] = []
    public var minimumVersion = TLSVersion.tlsv12
    /// Of TLS 1.2; empty for the library's own choice. Those of TLS 1.3 are fixed.
    public var ciphers: [NIOTLSCipher] = []
    /// For the exchange of keys; empty for the library's own choice.
    public var curves: [NIOTLSCurve] = []

    public struct Named: Sendable, Equatable {
        public var chainPEM: String
        public var keyPEM: String
        /// `*.example.com` is every name with one part before that.
        public var names: [String]

        public init(chainPEM: String, keyPEM: String, names: [String]) {
            self.chainPEM = chainPEM
            self.keyPEM = keyPEM
            self.names = names.map { $0.lowercased() }
        }
    }

    public init(chainPEM: String, keyPEM: String) {
        self.chainPEM = chainPEM
        self.keyPEM = keyPEM
    }

    /// - Throws: when one of the certificates or keys cannot be read.
    public func configuration() throws -> TLSConfiguration {
        var configuration = try TLSConfiguration.server(certificateChainPEM: chainPEM, privateKeyPEM: keyPEM)
        configuration.minimumTLSVersion = minimumVersion
        if !ciphers.isEmpty { configuration.cipherSuiteValues = ciphers }
        if !curves.isEmpty { configuration.curves = curves }
        guard !named.isEmpty else { return configuration }
        let others = try named.map { ($0.names, try TLSConfiguration.server(certificateChainPEM: $0.chainPEM, privateKeyPEM: $0.keyPEM)) }
        configuration.sslContextCallback = { hello, promise in
            let asked = hello.serverHostname?.lowercased() ?? ""
            let found = others.first { $0.0.contains(asked) } ?? others.first { $0.0.contains { Self.fits(asked, $0) } }
            var override = NIOSSLContextConfigurationOverride.noChanges
            if let found, !asked.isEmpty {
                override.certificateChain = found.1.certificateChain
                override.privateKey = found.1.privateKey
            }
            promise.succeed(override)
        }
        return configuration
    }

    private static func fits(_ name: String, _ pattern: String) -> Bool {
        guard pattern.hasPrefix("*."), let dot = name.firstIndex(of: "."), dot != name.startIndex else { return false }
        return name[dot...] == pattern.dropFirst()
    }
}
