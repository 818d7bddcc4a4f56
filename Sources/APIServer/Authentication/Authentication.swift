import APIModel
import HTTPServer
import HTTPTypes
import PKI

/// Says whose a bearer token is. Safe from any task.
public protocol TokenAuthenticator: Sendable {
    /// - Parameter audiences: whom the token must be meant for; empty means this server.
    func authenticate(token: String, audiences: [String]) async -> TokenResult
}

public enum TokenResult: Sendable {
    /// - audiences: those that were asked for, or this server's, which the token is meant for; `nil` where it names none, which means this
    ///   server.
    case user(UserInfo, audiences: [String]?, TokenRemarks = TokenRemarks())
    /// Not one of this authenticator's tokens: another may know it.
    case unknown
    /// One of its tokens, but not good: expired, revoked.
    case refused(String, TokenRemarks = TokenRemarks())
}

/// Finds out who sent a request.
struct Authentication: TokenAuthenticator {
    var requestHeaders: RequestHeaders?
    var certificates: ClientCertificateVerifier?
    var tokens: [any TokenAuthenticator]
    /// What this server calls itself in tokens.
    var audiences: [String]
    /// Told how long the certificates of clients still hold, when there is somebody to tell.
    var metrics: AuthenticationMetrics?

    static let unauthorized = APIError(code: 401, reason: .unauthorized, message: "Unauthorized")

    /// - Parameter remarks: gets what is to be told of a token, also of one that is not good.
    /// - Throws: 401 when the request shows credentials that are not good. Without any it is anonymous.
    func user(of request: Request, _ remarks: inout TokenRemarks) async throws -> UserInfo {
        if let user = await requestHeaders?.user(of: request) { return user.authenticated }
        if !request.peerCertificates.isEmpty, let identity = try? await certificates?.verify(request.peerCertificates),
            !identity.user.isEmpty
        {
            metrics?.certificate(expires: identity.expires)
            return UserInfo(name: identity.user, groups: identity.groups).authenticated
        }
        if let token = request.header(.authorization).flatMap(Self.bearerToken) {
            switch await authenticate(token: token, audiences: []) {
            case .user(let user, _, let others):
                remarks.add(others)
                return user.authenticated
            case .refused(_, let others):
                remarks.add(others)
                throw Self.unauthorized
            case .unknown: throw Self.unauthorized
            }
        }
        if !request.peerCertificates.isEmpty { throw Self.unauthorized }
        return .anonymous
    }

    /// `nil` for what is none: another scheme is as good as no credentials.
    private static func bearerToken(_ header: String) -> String? {
        let text = header.trimmed
        guard let space = text.utf8.firstIndex(of: UInt8(ascii: " ")), text[..<space].lowercased() == "bearer" else { return nil }
        let token = text[text.utf8.index(after: space)...].prefix { $0 != " " }
        return token.isEmpty ? nil : String(token)
    }

    /// Asks one after another: one that refuses a token does not keep another from knowing it.
    func authenticate(token: String, audiences: [String]) async -> TokenResult {
        var refusals: [String] = []
        var remarks = TokenRemarks()
        for authenticator in tokens {
            switch await authenticator.authenticate(token: token, audiences: audiences) {
            case .unknown: continue
            case .refused(let why, let others):
                refusals.append(why)
                remarks.add(others)
            case .user(let user, let meant, let others):
                let wanted = audiences.isEmpty ? self.audiences : audiences
                let agreed = meant ?? self.audiences.filter(wanted.contains)
                if !agreed.isEmpty { return .user(user, audiences: agreed, others) }
                // One that says nothing of audiences is known to nobody for others than this server.
                guard meant != nil else { continue }
                refusals.append(Self.otherAudience(self.audiences, wanted))
            }
        }
        return Aggregate.text(refusals).map { .refused($0, remarks) } ?? .unknown
    }

    static func otherAudience(_ own: [String], _ wanted: [String]) -> String {
        "token audiences \(own) is invalid for the target audiences \(wanted)"
    }
}

extension Authentication {
    /// - Parameter accounts: knows the tokens of service accounts.
    init(_ configuration: APIServer.Configuration, accounts: ServiceAccountTokens, metrics: AuthenticationMetrics) {
        let own: [any TokenAuthenticator] = configuration.tokens + [accounts]
        let bootstrap: [any TokenAuthenticator] =
            configuration.acceptsBootstrapTokens ? [BootstrapTokens(store: configuration.store)] : []
        let issued: [any TokenAuthenticator] = configuration.issuedTokens.map { [$0] } ?? []
        // The one last that asks others.
        let asked: [any TokenAuthenticator] = configuration.tokenWebhook.map { [$0] } ?? []
        self.init(
            requestHeaders: configuration.requestHeaders, certificates: configuration.certificates,
            tokens: own + bootstrap + issued + asked, audiences: configuration.audiences, metrics: metrics)
    }
}
