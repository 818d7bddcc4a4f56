import Exposition

/// How often tokens of service accounts were used, under upstream's names.
struct ServiceAccountTokenMetrics: MetricsSource {
    enum Use: String, CaseIterable {
        /// In a secret, made for an account or by somebody.
        case generated = "legacy_auto_token_uses_total"
        case manual = "legacy_manual_token_uses_total"
        /// One that was marked so.
        case invalid = "invalid_legacy_auto_token_uses_total"
        /// Of the TokenRequest API, before and after it should have been replaced.
        case valid = "valid_tokens_total"
        case stale = "stale_tokens_total"
    }

    private let families: [Use: Counters] = [
        .generated: Counters(Self.name(.generated), "Uses of tokens in secrets that were made for an account."),
        .manual: Counters(Self.name(.manual), "Uses of tokens in secrets that somebody made."),
        .invalid: Counters(Self.name(.invalid), "Uses of tokens in secrets that were marked as good no more."),
        .valid: Counters(Self.name(.valid), "Uses of tokens in time."),
        .stale: Counters(Self.name(.stale), "Uses of tokens that should have been replaced."),
    ]

    private static func name(_ use: Use) -> String { "serviceaccount_\(use.rawValue)" }

    func used(_ use: Use) { families[use]?.add() }

    func write(to text: inout MetricsText) { for use in Use.allCases { families[use]?.write(to: &text) } }
}
