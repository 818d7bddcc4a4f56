internal import APIServer
internal import HTTPServer
internal import PKI

/// What the API server shows and whom it believes: from the files that flags name, and for what they leave out from `pki` under the data
/// directory, made when it is missing.
struct ServerCredentials {
    var serving: KeyPair
    var clients: ClientCertificateVerifier
    /// Checks the certificates of proxies in front. `nil`: nobody is believed.
    private(set) var requestHeaders: ClientCertificateVerifier?
    /// The authority of the serving certificate as far as it is known: what pods verify the API with.
    var rootCA: String
    var serviceAccountKey: ServiceAccountKey
    var kubelet: Dialer.TLS
    /// What aggregated servers are shown. `nil` where every other file is given and this one is not.
    var frontProxy: Dialer.TLS?
    /// Whom aggregated servers are told to believe.
    var extensionCAs: (client: String, requestHeader: String)?
    /// Where what no flag names was found or made; `nil` when flags name everything.
    private let layout: Layout?

    /// - Parameter cluster: what the certificates that are made must be good for.
    init(_ options: APIServerCommand, _ cluster: @autoclosure () -> Layout.Cluster, _ directory: DataDirectory) throws {
        let serving = try options.certificate.read()
        let clientCA = try options.clientCAFile.map { try TextFile.read($0, of: "--client-ca-file") }
        let key = try options.serviceAccounts.key()
        let kubelet = try Self.kubelet(options)
        // All or nothing: a directory without keys stays without, when every file is given.
        let isComplete = serving != nil && clientCA != nil && key != nil && kubelet != nil
        layout = isComplete ? nil : Layout(directory: directory.path)
        let made = try layout?.prepare(cluster())
        func choose<T>(_ given: T?, _ own: (Layout.Credentials) -> T) throws -> T {
            if let given { return given }
            guard let made else { throw StartupFailure("the credentials of the API server are incomplete") }
            return own(made)
        }
        self.serving = try choose(serving, \.apiServer)
        do {
            clients = try ClientCertificateVerifier(caPEM: try choose(clientCA, \.ca.certificatePEM))
        } catch {
            throw StartupFailure("--client-ca-file: \(error)")
        }
        serviceAccountKey = try choose(key, \.serviceAccountKey)
        self.kubelet = try choose(kubelet, Self.kubelet)
        frontProxy = try Self.frontProxy(options) ?? made.map { Self.frontProxy($0) }
        let requestHeaderCA =
            try options.requestHeaderClientCAFile.map { try TextFile.read($0, of: "--requestheader-client-ca-file") }
            ?? made?.frontProxyCA.certificatePEM
        do {
            requestHeaders = try requestHeaderCA.map { try ClientCertificateVerifier(caPEM: $0) }
        } catch {
            throw StartupFailure("--requestheader-client-ca-file: \(error)")
        }
        if let client = clientCA ?? made?.ca.certificatePEM, let requestHeaderCA { extensionCAs = (client, requestHeaderCA) }
        // Whoever gives a certificate of another authority says to the controller manager which, with --root-ca-file.
        rootCA = serving == nil ? made?.ca.certificatePEM ?? "" : clientCA ?? ""
        if options.kubeletClientCertificate == nil, let file = options.kubeletCertificateAuthority {
            self.kubelet.caPEM = try TextFile.read(file, of: "--kubelet-certificate-authority")
        }
    }

    /// What is shown to kubelets, and whom of them to believe, by what was made.
    static func kubelet(_ made: Layout.Credentials) -> Dialer.TLS {
        Dialer.TLS(
            caPEM: made.ca.certificatePEM, certificateChainPEM: made.kubeletClient.certificatePEM,
            privateKeyPEM: made.kubeletClient.privateKeyPEM)
    }

    /// What is shown to servers behind this one; whom to believe, each connection says.
    static func frontProxy(_ made: Layout.Credentials) -> Dialer.TLS {
        Dialer.TLS(certificateChainPEM: made.frontProxyClient.certificatePEM, privateKeyPEM: made.frontProxyClient.privateKeyPEM)
    }

    // MARK: Changes

    /// Takes up what is put in the place of files that flags name, and renews what was made here, for as long as the group runs.
    func follow(
        _ options: APIServerCommand, _ cluster: Layout.Cluster, _ server: APIServer, _ listener: HTTPServer, in group: inout RoleGroup
    ) {
        let (clients, requestHeaders) = (clients, requestHeaders)
        let own = ChangingCertificate(serving)
        options.certificate.follow(own, in: &group) { try listener.reload(tls: $0.configuration()) }
        if let file = options.clientCAFile {
            FollowedFiles.follow("client CA", [file], in: &group) {
                try clients.use(caPEM: TextFile.read(file, of: "--client-ca-file"))
            }
        }
        if let file = options.requestHeaderClientCAFile, let requestHeaders {
            FollowedFiles.follow("request header CA", [file], in: &group) {
                try requestHeaders.use(caPEM: TextFile.read(file, of: "--requestheader-client-ca-file"))
            }
        }
        let kubelet = [options.kubeletClientCertificate, options.kubeletClientKey, options.kubeletCertificateAuthority].compactMap { $0 }
        FollowedFiles.follow("kubelet client certificate", options.kubeletClientCertificate == nil ? [] : kubelet, in: &group) {
            server.kubeletTLS.use(try Self.kubelet(options))
        }
        FollowedFiles.follow(
            "front proxy certificate", [options.proxyClientCertFile, options.proxyClientKeyFile].compactMap { $0 }, in: &group
        ) {
            server.frontProxyTLS.use(try Self.frontProxy(options))
        }
        guard let layout else { return }
        group.add("certificates") {
            let rotation = CertificateRotation(layout, cluster) { made in
                own.use(made.apiServer)
                if options.certificate.tlsCertFile == nil {
                    try listener.reload(tls: options.certificate.serving(own.pair).configuration())
                }
                if options.kubeletClientCertificate == nil {
                    var tls = Self.kubelet(made)
                    tls.caPEM = server.kubeletTLS.current?.caPEM
                    server.kubeletTLS.use(tls)
                }
                if options.proxyClientCertFile == nil { server.frontProxyTLS.use(Self.frontProxy(made)) }
            }
            await rotation.run()
        }
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
