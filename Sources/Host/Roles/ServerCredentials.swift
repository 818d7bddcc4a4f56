internal import APIServer
internal import HTTPServer
internal import PKI

/// What the API server shows and whom it believes: from the files that flags name, and for what they leave out from `pki` under the data
/// directory, made when it is missing.
struct ServerCredentials {
    var certificatePEM: String
    var privateKeyPEM: String
    var clients: ClientCertificateVerifier
    /// The authority of the serving certificate as far as it is known: what pods verify the API with.
    var rootCA: String
    var serviceAccountKey: ServiceAccountKey
    var kubelet: Dialer.TLS
    /// What aggregated servers are shown. `nil` where every other file is given and this one is not.
    var frontProxy: Dialer.TLS?
    /// Whom aggregated servers are told to believe.
    var extensionCAs: (client: String, requestHeader: String)?

    /// - Parameter cluster: what the certificates that are made must be good for.
    init(_ options: APIServerCommand, _ cluster: @autoclosure () -> Layout.Cluster, _ directory: DataDirectory) throws {
        let serving = try options.certificate.read()
        let clientCA = try options.clientCAFile.map { try TextFile.read($0, of: "--client-ca-file") }
        let key = try options.serviceAccountSigningKeyFile.map { try Self.signingKey($0, options.serviceAccountKeyFile) }
        let kubelet = try Self.kubelet(options)
        // All or nothing: a directory without keys stays without, when every file is given.
        let isComplete = serving != nil && clientCA != nil && key != nil && kubelet != nil
        let made = isComplete ? nil : try Layout(directory: directory.path).prepare(cluster())
        func choose<T>(_ given: T?, _ own: (Layout.Credentials) -> T) throws -> T {
            if let given { return given }
            guard let made else { throw StartupFailure("the credentials of the API server are incomplete") }
            return own(made)
        }
        (certificatePEM, privateKeyPEM) = try choose(serving) { ($0.apiServer.certificatePEM, $0.apiServer.privateKeyPEM) }
        do {
            clients = try ClientCertificateVerifier(caPEM: try choose(clientCA, \.ca.certificatePEM))
        } catch {
            throw StartupFailure("--client-ca-file: \(error)")
        }
        serviceAccountKey = try choose(key, \.serviceAccountKey)
        self.kubelet = try choose(kubelet) {
            Dialer.TLS(
                caPEM: $0.ca.certificatePEM, certificateChainPEM: $0.kubeletClient.certificatePEM,
                privateKeyPEM: $0.kubeletClient.privateKeyPEM)
        }
        frontProxy = try Self.frontProxy(options) ?? made.map { Self.tls($0.frontProxyClient) }
        let requestHeaderCA =
            try options.requestHeaderClientCAFile.map { try TextFile.read($0, of: "--requestheader-client-ca-file") }
            ?? made?.frontProxyCA.certificatePEM
        if let client = clientCA ?? made?.ca.certificatePEM, let requestHeaderCA { extensionCAs = (client, requestHeaderCA) }
        // Whoever gives a certificate of another authority says to the controller manager which, with --root-ca-file.
        rootCA = serving == nil ? made?.ca.certificatePEM ?? "" : clientCA ?? ""
        if options.kubeletClientCertificate == nil, let file = options.kubeletCertificateAuthority {
            self.kubelet.caPEM = try TextFile.read(file, of: "--kubelet-certificate-authority")
        }
    }

    private static func signingKey(_ file: String, _ publicFile: String?) throws -> ServiceAccountKey {
        let key: ServiceAccountKey
        do {
            key = try ServiceAccountKey(privateKeyPEM: TextFile.read(file, of: "--service-account-signing-key-file"))
        } catch let error as PKIError {
            throw StartupFailure("--service-account-signing-key-file: \(file): \(error.message)")
        }
        if let publicFile {
            let text = try TextFile.read(publicFile, of: "--service-account-key-file")
            let isSame = text.trimmed == key.publicKeyPEM.trimmed || (try? ServiceAccountKey(privateKeyPEM: text).id) == key.id
            guard isSame else {
                throw StartupFailure(
                    "--service-account-key-file: \(publicFile) is not the public key of --service-account-signing-key-file; tokens of other keys are not supported"
                )
            }
        }
        return key
    }

    /// What is shown alone; whom to believe, each connection says.
    private static func tls(_ pair: KeyPair) -> Dialer.TLS {
        Dialer.TLS(certificateChainPEM: pair.certificatePEM, privateKeyPEM: pair.privateKeyPEM)
    }

    private static func frontProxy(_ options: APIServerCommand) throws -> Dialer.TLS? {
        guard let certificate = options.proxyClientCertFile, let key = options.proxyClientKeyFile else { return nil }
        return Dialer.TLS(
            certificateChainPEM: try TextFile.read(certificate, of: "--proxy-client-cert-file"),
            privateKeyPEM: try TextFile.read(key, of: "--proxy-client-key-file"))
    }

    /// `nil` when no certificate for kubelets is given.
    private static func kubelet(_ options: APIServerCommand) throws -> Dialer.TLS? {
        guard let certificate = options.kubeletClientCertificate, let key = options.kubeletClientKey else { return nil }
        let authority = try options.kubeletCertificateAuthority.map { try TextFile.read($0, of: "--kubelet-certificate-authority") }
        return Dialer.TLS(
            caPEM: authority, certificateChainPEM: try TextFile.read(certificate, of: "--kubelet-client-certificate"),
            privateKeyPEM: try TextFile.read(key, of: "--kubelet-client-key"), trustsAnyone: authority == nil)
    }
}

extension String {
    /// Without the white space around it.
    fileprivate var trimmed: Substring {
        var rest = self[...]
        while rest.last?.isWhitespace == true { rest.removeLast() }
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        return rest
    }
}
