import Exposition

/// What policies say and how long their expressions take, under upstream's names. Safe from any thread.
struct PolicyMetrics: MetricsSource {
    enum Action: String { case allow, deny, audit, warn }

    private static let bounds = [0.0000005, 0.001, 0.01, 0.1, 1]
    private static let labels = ["error_type", "policy", "policy_binding"]
    private let checks = Counters(
        "apiserver_validating_admission_policy_check_total", "Validations that failed, or had no value, by what was done about it.",
        labels: ["enforcement_action"] + labels)
    private let checkDurations = Durations(
        "apiserver_validating_admission_policy_check_duration_seconds", "How long such validations took.",
        labels: ["enforcement_action"] + labels, bounds: bounds)
    private let mutations = Counters(
        "apiserver_mutating_admission_policy_check_total", "What mutating policies were asked.", labels: labels)
    private let mutationDurations = Durations(
        "apiserver_mutating_admission_policy_check_duration_seconds", "How long mutating policies took.", labels: labels, bounds: bounds)

    /// - Parameter failure: why there was no value, `nil` where there was one.
    func checked(
        _ action: Action, _ policy: AdmissionPolicy, _ binding: AdmissionPolicyBinding, _ failure: AdmissionExpression.Failure?,
        _ duration: Duration
    ) {
        let error = Self.error(failure)
        checks.add(action.rawValue, error, policy.name, binding.name)
        checkDurations.add(action.rawValue, error, policy.name, binding.name, duration: duration)
    }

    func mutated(_ policy: AdmissionPolicy, _ binding: AdmissionPolicyBinding, hasFailed: Bool, _ duration: Duration) {
        let error = hasFailed ? "invalid_error" : "no_error"
        mutations.add(error, policy.name, binding.name)
        mutationDurations.add(error, policy.name, binding.name, duration: duration)
    }

    private static func error(_ failure: AdmissionExpression.Failure?) -> String {
        switch failure {
        case nil: "no_error"
        case .budget: "out_of_budget"
        case .compilation: "compile_error"
        case .expression: "invalid_error"
        }
    }

    func write(to text: inout MetricsText) {
        let families: [any MetricsSource] = [checks, checkDurations, mutations, mutationDurations]
        for family in families { family.write(to: &text) }
    }
}
