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

        fileprivate func labels(_ operation: AdmissionRequest.Operation) -> [String] { [kind, name, operation.rawValue, type] }
    }

    private let conditions = ConditionMetrics("admission", labels: ["kind", "name", "operation", "type"])

    /// What was worth telling: upstream does not tell of those that all held.
    /// - Parameter failures: how many conditions had no value.
    func evaluated(
        _ owner: Owner, _ operation: AdmissionRequest.Operation, since begin: ContinuousClock.Instant, failures: Int,
        _ outcome: MatchConditions.Outcome
    ) {
        if outcome != .matches { conditions.evaluated(owner.labels(operation), since: begin, failures: failures) }
    }

    /// A webhook is not asked.
    func excluded(_ owner: Owner, _ operation: AdmissionRequest.Operation) { conditions.excluded(owner.labels(operation)) }

    func write(to text: inout MetricsText) { conditions.write(to: &text) }
}
