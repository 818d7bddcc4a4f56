import APIModel
import Exposition
import Synchronization

/// How long admission takes, and what those outside the server say, under upstream's names. Safe from any thread.
///
/// Every write passes here twice: two readings of the clock and a step, and for each member that it concerns one more of either, which
/// comes to a microsecond or two. Nothing more is done where no webhook and no policy is asked.
final class AdmissionMetrics: MetricsSource {
    enum Phase: String { case admit, validate }

    /// Of one member, or of all.
    struct Series: Hashable {
        /// Empty for all.
        var member = ""
        var phase: Phase
        var operation: AdmissionRequest.Operation
        var isRefused = false

        fileprivate var labels: MetricsText.Labels {
            (member.isEmpty ? [] : [("name", member)])
                + [("operation", operation.rawValue), ("rejected", "\(isRefused)"), ("type", phase.rawValue)]
        }
    }

    private static let seconds = Histogram([0.005, 0.025, 0.1, 0.5, 1, 2.5])
    private let times = Mutex<[Series: Histogram]>([:])
    let webhooks = WebhookMetrics()
    let policies = PolicyMetrics()
    let podSecurity = PodSecurityMetrics()

    func add(_ passed: [(Series, Duration)]) {
        times.withLock { times in
            for (series, duration) in passed { times[series, default: Self.seconds].add(duration / .seconds(1)) }
        }
    }

    func write(to text: inout MetricsText) {
        let all = times.withLock { $0 }
        text.histograms(
            "apiserver_admission_controller_admission_duration_seconds", "How long members of the admission chain took.",
            all.filter { !$0.key.member.isEmpty }.map { ($0.key.labels, $0.value) })
        text.histograms(
            "apiserver_admission_step_admission_duration_seconds", "How long all members of the admission chain took together.",
            all.filter { $0.key.member.isEmpty }.map { ($0.key.labels, $0.value) })
        webhooks.write(to: &text)
        policies.write(to: &text)
        podSecurity.write(to: &text)
    }
}

/// The times of one step of one request, told together at its end.
struct AdmissionTimes {
    private let metrics: AdmissionMetrics
    private let step: AdmissionMetrics.Series
    private let begin = ContinuousClock.now
    private var last: (member: String, since: ContinuousClock.Instant)?
    private var passed: [(AdmissionMetrics.Series, Duration)] = []

    init(_ phase: AdmissionMetrics.Phase, _ request: AdmissionRequest) {
        metrics = request.registry.admissionMetrics
        step = AdmissionMetrics.Series(phase: phase, operation: request.operation)
    }

    /// The turn of one member begins, and that of the one before is over.
    mutating func begin(_ member: String) {
        let now = ContinuousClock.now
        finish(at: now, isRefused: false)
        last = (member, now)
    }

    /// - Parameter error: thrown by the member whose turn it was. What is admitted anew is not refused.
    mutating func end(with error: (any Error)? = nil) {
        let now = ContinuousClock.now
        let isRefused = error.map { !($0 is WrittenInBetween) } ?? false
        finish(at: now, isRefused: isRefused)
        var whole = step
        whole.isRefused = isRefused
        passed.append((whole, now - begin))
        metrics.add(passed)
    }

    private mutating func finish(at now: ContinuousClock.Instant, isRefused: Bool) {
        guard let last else { return }
        var series = step
        (series.member, series.isRefused) = (last.member, isRefused)
        passed.append((series, now - last.since))
    }
}
