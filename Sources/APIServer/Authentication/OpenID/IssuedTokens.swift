public import APIModel
public import Logging
import PKI
import Synchronization

/// Knows the tokens of other issuers, as a configuration says that may change while the server runs. Safe from any task.
public final class IssuedTokens: TokenAuthenticator {
    /// By the `iss` of their tokens.
    private let issuers: Mutex<[String: TokenIssuer]>
    private let anonymous: AnonymousAccess?
    private let now: @Sendable () -> Whole
    let reloads = ReloadMetrics("authentication")

    /// - Parameter now: in seconds since 1970.
    public init(_ configuration: AuthenticationConfiguration, now: @escaping @Sendable () -> Whole = { Timestamp.nowSeconds() }) {
        self.now = now
        anonymous = configuration.anonymous
        issuers = Mutex(Self.issuers(configuration, now))
    }

    private static func issuers(_ configuration: AuthenticationConfiguration, _ now: @escaping @Sendable () -> Whole)
        -> [String: TokenIssuer]
    {
        Dictionary(
            configuration.issuers.map { ($0.url, TokenIssuer($0, configuration.algorithms, now)) }, uniquingKeysWith: { $1 })
    }

    public func authenticate(token: String, audiences: [String]) async -> TokenResult {
        guard let token = JSONWebToken(token), let name = token.payload["iss"].string,
            let issuer = issuers.withLock({ $0[Self.issuer(name)] })
        else { return .unknown }
        do {
            return .user(try await issuer.user(of: token), audiences: nil)
        } catch {
            return .refused("oidc: \(error)")
        }
    }

    /// The one issuer that leaves the scheme out of its tokens.
    private static func issuer(_ name: String) -> String { name == "accounts.google.com" ? "https://accounts.google.com" : name }

    // MARK: Changes

    /// From now on believes whom the configuration names, once all of them say where their keys are.
    /// - Throws: when one of them does not, or when the configuration changes what only a restart may.
    func use(_ configuration: AuthenticationConfiguration) async throws {
        guard configuration.anonymous == anonymous else { throw ConfigurationProblem("anonymous: changed from initial configuration file") }
        let new = Self.issuers(configuration, now)
        for issuer in new.values { try await issuer.discover() }
        issuers.withLock { $0 = new }
    }

    /// Looks every `interval` whether the file says something else, until the task is cancelled. What cannot be used is told, and tried again
    /// where waiting may mend it; who was believed before goes on being believed.
    public func reload(_ path: String, ownIssuers: [String], every interval: Duration, log: Logger) async {
        let file = WatchedFile(path)
        var waiting: AuthenticationConfiguration?
        await WatchedFile.follow("authentication configuration", in: [path], every: interval, log: log) {
            try await reloads.measure {
                if let text = try await file.change() {
                    waiting = nil
                    waiting = try AuthenticationConfiguration(text, ownIssuers: ownIssuers)
                }
                guard let configuration = waiting else { return false }
                try await use(configuration)
                waiting = nil
                return true
            }
        }
    }
}
