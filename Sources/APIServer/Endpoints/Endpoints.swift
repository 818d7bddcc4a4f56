import APIModel
import Exposition
import HTTPServer
import HTTPTypes
import NIOPosix
import PKI

/// Everything that is no resource: health, discovery, OpenAPI, metrics and the keys of service accounts.
struct Endpoints: Sendable {
    private let health: Health
    private let documents: KindDocuments
    private let metrics: Metrics
    private let sources: [any MetricsSource]
    private let flows: FlowControl?
    private let configuration: APIServer.Configuration

    init(
        _ configuration: APIServer.Configuration, _ registry: Registry, _ aggregation: Aggregation, _ metrics: Metrics,
        _ sources: [any MetricsSource], _ flows: FlowControl?
    ) {
        self.configuration = configuration
        self.metrics = metrics
        self.sources = sources
        self.flows = flows
        let store = configuration.components.filter { $0.name.hasPrefix("store") || $0.name.hasPrefix("etcd") }
        let ping = HealthCheck("ping") { nil }
        let keys = configuration.encryption.map { encryption in HealthCheck("kms-providers") { encryption.problem } }
        // Not of `livez`: a server does not get well by being started again while a plugin is ill.
        let others = (configuration.encryption?.hasHealthCheck == true ? [keys].compactMap(\.self) : []) + store
        let own = [ping] + configuration.healthChecks
        health = Health(checks: ["livez": own, "readyz": own + others, "healthz": own + others])
        let address = configuration.advertise.map { "\($0.address):\($0.port)" } ?? ""
        documents = KindDocuments(registry, aggregation, serverAddress: address)
    }

    /// Whether a path is open to everyone.
    static func isPublic(_ path: String) -> Bool {
        path == "/version" || path == "/version/" || Health.paths.contains(path.split(separator: "/").first.map(String.init) ?? "")
    }

    static let paths = [
        "/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/metrics/slis", "/openapi/v2",
        "/openapi/v3", "/openid/v1/jwks", "/readyz", "/version",
    ]

    /// What `/` lists.
    private var index: [String] {
        let others = health.index + documents.current.discovery.paths + (flows == nil ? [] : FlowControl.pages)
        return Set(Self.paths + others + configuration.pages.keys.map { "/\($0)" }).sorted()
    }

    /// `nil` when there is nothing at the path.
    func respond(_ request: Request, _ info: RequestInfo) async throws -> Response? {
        let path = info.path
        if path != "/", let response = await health.answer(request, path: path) { return response }
        if let page = configuration.pages[path.split(separator: "/").first.map(String.init) ?? ""] {
            return Responses.json(try await page(request))
        }
        if let flows, request.method == .get, let page = flows.page(request, path: path) { return page }
        guard let response = try await answer(request, path) else { return nil }
        let isRouted = Self.isRouted(path, documents.current.kinds)
        guard request.method == .get || request.method == .head && !isRouted else { throw APIError.methodNotAllowed }
        return response
    }

    /// Whether upstream's router answers at a path, which knows its own versions of groups and keeps to what they say of methods and media
    /// types.
    static func isRouted(_ path: String, _ kinds: Kinds) -> Bool {
        let parts = path.split(separator: "/")
        switch parts.first {
        case "api", "version", "openid", ".well-known": return true
        case "apis":
            return parts.count > 2 && kinds.resources.contains { $0.group == parts[1] && $0.custom == nil }
        default: return false
        }
    }

    private func answer(_ request: Request, _ path: String) async throws -> Response? {
        switch path {
        case "/": return Responses.bytes(JSON.encodePretty(["paths": Value(index)]), type: "application/json")
        case "/version", "/version/":
            try Accept(request.header(.accept)).route(produces: [Codec.json.contentType])
            return Responses.bytes(JSON.encodePretty(configuration.version.value), type: "application/json")
        case "/metrics":
            let text = try await NIOThreadPool.singleton.runIfActive { [metrics, store = configuration.store, sources] in
                Array(metrics.text(store, sources).utf8)
            }
            return Responses.bytes(text, type: Self.metricsType)
        case "/metrics/slis":
            var text = MetricsText()
            health.metrics.write(to: &text)
            return Responses.bytes(Array(text.text.utf8), type: Self.metricsType)
        case "/openid/v1/jwks":
            return Responses.bytes(JSON.encode(configuration.serviceAccountKey.keySet), type: "application/jwk-set+json")
        case "/.well-known/openid-configuration": return Responses.json(openIDConfiguration)
        default: break
        }
        if path.hasPrefix("/openapi/") { return documents.current.openAPI.answer(request, path: path) }
        let (accept, etag) = (Accept(request.header(.accept)), request.header(.ifNoneMatch))
        return try documents.current.discovery.answer(path, accept: accept, etag: etag) {
            if Self.isRouted(path, documents.current.kinds) { try accept.route(produces: Codec.mediaTypes) }
        }
    }

    private static let metricsType = "text/plain; version=0.0.4; charset=utf-8"

    private var openIDConfiguration: Value {
        let issuer = configuration.issuer
        return [
            "issuer": .string(issuer), "jwks_uri": .string(configuration.keySetURL ?? "\(issuer)/openid/v1/jwks"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": Value(configuration.serviceAccountKey.algorithms),
        ]
    }
}
