internal import HTTPServer
internal import HTTPTypes
internal import Logging
internal import NIOSSL
internal import PKI

/// A component's own `/healthz`, `/livez` and `/readyz`, open to whoever reaches the port.
struct HealthEndpoint: Responder {
    /// What is wrong, `nil` when all is well.
    let problem: @Sendable () async -> String?

    func respond(to request: Request) async -> Response {
        guard ["/healthz", "/livez", "/readyz"].contains(request.path) else { return Self.text("404 page not found\n", .notFound) }
        guard let problem = await problem() else { return Self.text("ok", .ok) }
        return Self.text("internal server error: \(problem)\n", .internalServerError)
    }

    private static func text(_ text: String, _ status: HTTPResponse.Status) -> Response {
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
        in group: inout RoleGroup, _ host: String, _ port: Int, _ security: Security,
        problem: @escaping @Sendable () async -> String?
    ) async throws {
        guard port != 0 else { return }
        var tls: TLSConfiguration?
        if case .tls(let options) = security {
            let pair = try options.read() ?? SelfSigned.pair(names: ["localhost"], addresses: ["127.0.0.1"])
            do {
                tls = try TLSConfiguration.server(certificateChainPEM: pair.certificatePEM, privateKeyPEM: pair.privateKeyPEM)
            } catch {
                throw StartupFailure("--tls-cert-file, --tls-private-key-file: \(error)")
            }
        }
        let server = try HTTPServer(
            configuration: HTTPServer.Configuration(host: host, port: port, tls: tls), responder: HealthEndpoint(problem: problem),
            log: Logger(label: "health"))
        try await server.start()
        group.add("health endpoint") { try await server.run() }
    }
}

/// Certificates for servers that nobody gave one.
enum SelfSigned {
    /// Signed by an authority that is forgotten at once.
    static func pair(names: [String], addresses: [String]) throws -> (certificatePEM: String, privateKeyPEM: String) {
        let pair = try CertificateAuthority.create(commonName: "apus-self-signed").issueServer(
            commonName: names.first ?? "localhost", names: names, addresses: addresses)
        return (pair.certificatePEM, pair.privateKeyPEM)
    }
}
