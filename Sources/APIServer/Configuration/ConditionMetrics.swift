import Exposition

/// What becomes of conditions that a request must fulfil, in three families under one prefix. Safe from any thread.
struct ConditionMetrics: MetricsSource {
    private let errors: Counters
    private let exclusions: Counters
    private let durations: Durations

    /// - Parameters:
    ///   - part: of the API server, as upstream's names have it: `admission`.
    ///   - labels: what tells the owners of conditions apart; `add` takes their values in this order.
    init(_ part: String, labels: [String]) {
        let prefix = "apiserver_\(part)_match_condition_"
        errors = Counters(prefix + "evaluation_errors_total", "Conditions that had no value.", labels: labels)
        exclusions = Counters(prefix + "exclusions_total", "Requests that conditions left out.", labels: labels)
        durations = Durations(
            prefix + "evaluation_seconds", "How long conditions took.", labels: labels, bounds: [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25])
    }

    /// - Parameter failures: how many had no value.
    func evaluated(_ owner: [String], since begin: ContinuousClock.Instant, failures: Int) {
        durations.add(owner, duration: ContinuousClock.now - begin)
        if failures > 0 { errors.add(owner, by: failures) }
    }

    func excluded(_ owner: [String]) { exclusions.add(owner) }

    func write(to text: inout MetricsText) {
        let families: [any MetricsSource] = [errors, exclusions, durations]
        for family in families { family.write(to: &text) }
    }
}
