import Exposition

/// Who decided what users may do, how webhooks answered and what their conditions came to, under upstream's names. Safe from any thread.
struct AuthorizationMetrics: MetricsSource {
    /// How a configuration calls one who is asked.
    struct Title: Sendable {
        var type: String
        var name: String
    }

    /// What becomes of one webhook's questions.
    struct Telling: Sendable {
        fileprivate let metrics: AuthorizationMetrics
        fileprivate let title: Title

        init(metrics: AuthorizationMetrics, title: Title) {
            self.metrics = metrics
            self.title = title
        }

        /// One try is over.
        func asked(_ problem: (any Error)?, since begin: ContinuousClock.Instant) {
            let result = Self.result(problem)
            metrics.evaluations.add(title.name, result)
            metrics.durations.add(title.name, result, duration: ContinuousClock.now - begin)
        }

        /// It could not be asked, and is taken to have no opinion.
        func failedOpen(_ problem: any Error) {
            if !Task.isCancelled { metrics.failedOpen.add(title.name, Self.result(problem)) }
        }

        func evaluated(_ outcome: ReviewConditions.Outcome, hasFailed: Bool, since begin: ContinuousClock.Instant) {
            let owner = [title.type, title.name]
            metrics.conditions.evaluated(owner, since: begin, failures: hasFailed ? 1 : 0)
            if outcome == .doesNot { metrics.conditions.excluded(owner) }
        }

        private static func result(_ problem: (any Error)?) -> String {
            switch problem {
            case nil: "success"
            case _ where Task.isCancelled: "canceled"
            case is TookTooLong: "timeout"
            case let refused as BackendServer.Refused where refused.status == 504: "timeout"
            default: "error"
            }
        }
    }

    private static let results = ["name", "result"]
    private static let titles = ["type", "name"]
    private let decisions = Counters(
        "apiserver_authorization_decisions_total", "What was allowed or denied, by who decided it.", labels: titles + ["decision"])
    private let evaluations = Counters(
        "apiserver_authorization_webhook_evaluations_total", "How often webhooks were asked.", labels: results)
    private let durations = Durations(
        "apiserver_authorization_webhook_duration_seconds", "How long webhooks took to answer.", labels: results,
        bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
    private let failedOpen = Counters(
        "apiserver_authorization_webhook_evaluations_fail_open_total", "Webhooks that could not be asked and were passed over.",
        labels: results)
    private let conditions = ConditionMetrics("authorization", labels: titles)
    let reloads = ReloadMetrics("authorization")

    /// Somebody decided who is named by a configuration.
    func decided(_ decision: Decision, _ title: Title) {
        switch decision {
        case .allow: decisions.add(title.type, title.name, "allowed")
        case .deny, .fail(_, isDenied: true): decisions.add(title.type, title.name, "denied")
        case .pass, .fail: return
        }
    }

    func write(to text: inout MetricsText) {
        let families: [any MetricsSource] = [
            decisions, evaluations, durations, failedOpen, conditions, reloads,
        ]
        for family in families { family.write(to: &text) }
    }
}
