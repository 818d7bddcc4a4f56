import Exposition

/// How often somebody wanted to act as somebody else, and what that cost, under upstream's names.
struct ImpersonationMetrics: MetricsSource {
    private static let labels = ["mode", "decision"]

    private let attempts = Counters(
        "apiserver_impersonation_attempts_total", "Requests that were to be done as somebody else.", labels: labels)
    private let attemptDurations = Durations(
        "apiserver_impersonation_attempts_duration_seconds", "How long it took to find out whether they may.", labels: labels)
    private let questions = Counters(
        "apiserver_impersonation_authorization_attempts_total", "What authorizers were asked for them.", labels: labels)
    private let questionDurations = Durations(
        "apiserver_impersonation_authorization_attempts_duration_seconds", "How long authorizers took.", labels: labels)

    /// - Parameter mode: empty where none allowed it.
    func attempted(_ mode: String, isAllowed: Bool, since begin: ContinuousClock.Instant) {
        attempts.add(mode, Self.word(isAllowed))
        attemptDurations.add(mode, Self.word(isAllowed), duration: ContinuousClock.now - begin)
    }

    func asked(_ mode: String, isAllowed: Bool, since begin: ContinuousClock.Instant) {
        questions.add(mode, Self.word(isAllowed))
        questionDurations.add(mode, Self.word(isAllowed), duration: ContinuousClock.now - begin)
    }

    private static func word(_ isAllowed: Bool) -> String { isAllowed ? "allowed" : "denied" }

    func write(to text: inout MetricsText) {
        attempts.write(to: &text)
        attemptDurations.write(to: &text)
        questions.write(to: &text)
        questionDurations.write(to: &text)
    }
}
