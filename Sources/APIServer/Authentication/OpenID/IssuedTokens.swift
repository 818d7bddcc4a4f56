public import APIModel
public import Logging
import PKI
import Synchronization

/// Knows the tokens of other issuers, as a configuration says that may change while the server runs. Safe from any task.
public final class IssuedTokens: TokenAuthenticator {
    /// By the `iss` of their tokens.
    private let issuers: Believed
    private let anonymous: AnonymousAccess?
    private let now: @Sendable () -> Whole
    let metrics: IssuerMetrics

    /// - Parameter now: in seconds since 1970.
    public init(_ configuration: AuthenticationConfiguration, now: @escaping @Sendable () -> Whole = { Timestamp.nowSeconds() }) {
        self.now = now
        anonymous = configuration.anonymous
        let issuers = Believed(Self.issuers(configuration, now))
        self.issuers = issuers
        metrics = IssuerMetrics { issuers.all.mapValues { $0.keys.fetches.told } }
    }

    /// Those that are believed now.
    private final class Believed: Sendable {
        private let state: Mutex<[String: TokenIssuer]>
        init(_ issuers: [String: TokenIssuer]) { state = Mutex(issuers) }

        var all: [String: TokenIssuer] {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    private static func issuers(_ configuration: AuthenticationConfiguration, _ now: @escaping @Sendable () -> Whole)
        -> [String: TokenIssuer]
    {
        Dictionary(
            configuration.issuers.map { ($0.url, TokenIssuer($0, configuration.algorithms, now)) }, uniquingKeysWith: { $1 })
    }

    public func authenticate(token: String, audiences: [String]) async -> TokenResult {
        guard let token = JSONWebToken(token), let name = token.payload["iss"].string,
            let issuer = issuers.all[Self.issuer(name)]
        else { return .unknown }
        let begin = ContinuousClock.now
        do {
            let user = try await issuer.user(of: token)
            metrics.judged(Self.issuer(name), isBelieved: true, since: begin)
            return .user(user, audiences: nil)
        } catch {
            metrics.judged(Self.issuer(name), isBelieved: false, since: begin)
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
        issuers.all = new
    }

    /// Looks every `interval` whether the file says something else, until the task is cancelled. What cannot be used is told, and tried again
    /// where waiting may mend it; who was believed before goes on being believed.
    public func reload(_ path: String, ownIssuers: [String], every interval: Duration, log: Logger) async {
        let file = WatchedFile(path)
        var waiting: AuthenticationConfiguration?
        await WatchedFile.follow("authentication configuration", in: [path], every: interval, log: log) {
            try await metrics.reloads.measure {
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
