import Exposition

/// What becomes of match conditions, under upstream's names. Safe from any thread.
struct MatchConditionMetrics: MetricsSource {
    /// Whose conditions.
    struct Owner: Sendable {
        var name: String
        /// `webhook` or `policy`.
        var kind: String
        /// `admit`, `validating` or `validate`.
        var type: String
    }

    private static let labels = ["kind", "name", "operation", "type"]
    private let errors = Counters(
        "apiserver_admission_match_condition_evaluation_errors_total", "Match conditions that had no value.", labels: labels)
    private let exclusions = Counters(
        "apiserver_admission_match_condition_exclusions_total", "Requests that match conditions left out.", labels: labels)
    private let durations = Durations(
        "apiserver_admission_match_condition_evaluation_seconds", "How long match conditions took.", labels: labels,
        bounds: [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25])

    /// What was worth telling: upstream does not tell of those that all held.
    /// - Parameter failures: how many conditions had no value.
    func evaluated(
        _ owner: Owner, _ operation: AdmissionRequest.Operation, since begin: ContinuousClock.Instant, failures: Int,
        _ outcome: MatchConditions.Outcome
    ) {
        if outcome == .matches { return }
        let operation = operation.rawValue
        durations.add(owner.kind, owner.name, operation, owner.type, duration: ContinuousClock.now - begin)
        if failures > 0 { errors.add(owner.kind, owner.name, operation, owner.type, by: failures) }
    }

    /// A webhook is not asked.
    func excluded(_ owner: Owner, _ operation: AdmissionRequest.Operation) {
        exclusions.add(owner.kind, owner.name, operation.rawValue, owner.type)
    }

    func write(to text: inout MetricsText) {
        let families: [any MetricsSource] = [errors, exclusions, durations]
        for family in families { family.write(to: &text) }
    }
}
