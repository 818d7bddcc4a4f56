internal import APIModel
internal import HTTPServer
internal import HTTPTypes
internal import Logging
internal import NIOSSL
internal import PKI

/// A component's own `/healthz`, `/livez` and `/readyz`, open to whoever reaches the port, and its figures, where it has some, for those who may see them.
struct HealthEndpoint: Responder {
    var metrics: MetricsPage?
    /// What is wrong, `nil` when all is well.
    let problem: @Sendable () async -> String?

    func respond(to request: Request) async -> Response {
        if let metrics, request.path == MetricsPage.path { return await metrics.respond(to: request) }
        guard ["/healthz", "/livez", "/readyz"].contains(request.path) else { return Self.text("404 page not found\n", .notFound) }
        guard let problem = await problem() else { return Self.text("ok", .ok) }
        return Self.text("internal server error: \(problem)\n", .internalServerError)
    }

    static func text(_ text: String, _ status: HTTPResponse.Status) -> Response {
        .full(status: status, headers: [.contentType: "text/plain; charset=utf-8"], body: [Array(text.utf8)])
    }

    enum Security {
        /// As upstream's kubelet and kube-proxy do.
        case plain
        /// As upstream's controller manager and scheduler do: with this certificate, or one made for this process.
        case tls(CertificateOptions)
    }

    /// Adds a server to the group; it listens already when this returns. Port 0 turns it off.
    static func serve(
        in group: inout RoleGroup, _ host: String, _ port: Int, _ security: Security, metrics: MetricsPage? = nil,
        problem: @escaping @Sendable () async -> String?
    ) async throws {
        guard port != 0 else { return }
        var tls: TLSConfiguration?
        let own = ChangingCertificate(nil)
        if case .tls(let options) = security {
            if options.tlsCertFile == nil { own.use(try SelfSigned.pair(now: Timestamp.nowSeconds())) }
            do {
                tls = try options.serving(own.pair).configuration()
            } catch {
                throw StartupFailure("--tls-cert-file, --tls-private-key-file: \(error)")
            }
        }
        let server = try await serve(in: &group, host, port, tls, HealthEndpoint(metrics: metrics, problem: problem))
        guard case .tls(let options) = security else { return }
        options.follow(own, in: &group) { try server.reload(tls: $0.configuration()) }
        guard options.tlsCertFile == nil else { return }
        group.add("certificates") {
            let rotation = CertificateRotation<KeyPair>(
                renew: { now in own.pair?.isDue(at: now) ?? false ? try SelfSigned.pair(now: now) : nil },
                use: { pair in
                    own.use(pair)
                    try server.reload(tls: options.serving(pair).configuration())
                })
            await rotation.run()
        }
    }

    /// The same with other pages.
    @discardableResult
    static func serve(
        in group: inout RoleGroup, _ host: String, _ port: Int, _ tls: TLSConfiguration? = nil, _ responder: any Responder
    ) async throws -> HTTPServer {
        let server = try HTTPServer(
            configuration: HTTPServer.Configuration(host: host, port: port, tls: tls), responder: responder, log: Logger(label: "health"))
        try await server.start()
        group.add("health endpoint") { try await server.run() }
        return server
    }
}

/// Certificates for servers that nobody gave one.
enum SelfSigned {
    /// Signed by an authority that is forgotten at once.
    static func pair(now: Whole) throws -> KeyPair {
        try CertificateAuthority.create(commonName: "apus-self-signed", now: now).issueServer(
            commonName: "localhost", names: ["localhost"], addresses: ["127.0.0.1"], now: now)
    }
}
