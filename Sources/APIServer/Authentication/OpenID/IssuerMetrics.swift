import Exposition

/// What becomes of the tokens and keys of other issuers, under upstream's names. Safe from any thread.
struct IssuerMetrics: MetricsSource {
    private static let prefix = "apiserver_authentication_jwt_authenticator_"

    let reloads = ReloadMetrics("authentication")
    private let durations = Durations(
        prefix + "latency_seconds", "How long it took to say whose a token is.", labels: ["result", "jwt_issuer_hash"],
        bounds: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
    /// By issuer, of those that are believed now.
    let fetches: @Sendable () -> [String: KeyFetches.Told]

    init(fetches: @escaping @Sendable () -> [String: KeyFetches.Told]) { self.fetches = fetches }

    func judged(_ issuer: String, isBelieved: Bool, since begin: ContinuousClock.Instant) {
        durations.add(isBelieved ? "success" : "failure", HashLabel.of(issuer), duration: ContinuousClock.now - begin)
    }

    func write(to text: inout MetricsText) {
        reloads.write(to: &text)
        durations.write(to: &text)
        // This server has no name of its own among others.
        let server = ("apiserver_id_hash", "")
        let told = fetches().map { (issuer: ("jwt_issuer_hash", HashLabel.of($0)), fetches: $1) }
        text.family(
            Self.prefix + "jwks_fetch_last_timestamp_seconds", .gauge, "When an issuer's keys were last fetched, in seconds since 1970.",
            told.flatMap { issuer, fetches in fetches.ends.map { ([("result", $0), issuer, server], "\($1)") } })
        text.family(
            Self.prefix + "jwks_fetch_last_key_set_info", .gauge, "Always 1: the label hash says which keys an issuer had the last time.",
            told.compactMap { issuer, fetches in fetches.keysHash.map { ([issuer, server, ("hash", $0)], "1") } })
    }
}
