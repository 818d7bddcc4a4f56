import APIModel
import Exposition

/// How long webhooks take, and what they say, under upstream's names. Safe from any thread.
struct WebhookMetrics: MetricsSource {
    private let durations = Durations(
        "apiserver_admission_webhook_admission_duration_seconds", "How long admission webhooks took.",
        labels: ["name", "operation", "rejected", "type"], bounds: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25])
    private let requests = Counters(
        "apiserver_admission_webhook_request_total", "What admission webhooks were asked, by the code of the answer.",
        labels: ["code", "name", "operation", "rejected", "type"])
    private let rejections = Counters(
        "apiserver_admission_webhook_rejection_count", "What admission webhooks refused, or was refused since they could not be asked.",
        labels: ["error_type", "name", "operation", "rejection_code", "type"])
    private let passed = Counters(
        "apiserver_admission_webhook_fail_open_count", "How often an admission webhook that could not be asked was passed over.",
        labels: ["name", "type"])
    let conditions = MatchConditionMetrics()

    /// One call.
    struct Call {
        let name: String
        /// `admit` or `validating`.
        let type: String
        let operation: AdmissionRequest.Operation
        let begin = ContinuousClock.now
    }

    func allowed(_ call: Call) { add(call, isRejected: false, code: 200) }

    /// - Parameter isPassedOver: whether its failure counts for nothing.
    func failed(_ call: Call, _ failure: WebhookFailure, isPassedOver: Bool) {
        let (error, code) =
            switch failure {
            case .rejected(let error): ("no_error", error.code)
            case .notCalled: ("calling_webhook_error", 500)
            case .broken: ("apiserver_internal_error", 0)
            }
        add(call, isRejected: !isPassedOver, code: code)
        if isPassedOver {
            passed.add(call.name, call.type)
        } else {
            rejections.add(error, call.name, call.operation.rawValue, "\(min(code, 600))", call.type)
        }
    }

    private func add(_ call: Call, isRejected: Bool, code: Int) {
        durations.add(
            call.name, call.operation.rawValue, "\(isRejected)", call.type, duration: ContinuousClock.now - call.begin)
        requests.add("\(min(code, 600))", call.name, call.operation.rawValue, "\(isRejected)", call.type)
    }

    func write(to text: inout MetricsText) {
        let families: [any MetricsSource] = [durations, requests, rejections, passed, conditions]
        for family in families { family.write(to: &text) }
    }
}
