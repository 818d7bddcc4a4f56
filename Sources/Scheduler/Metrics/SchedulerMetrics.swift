internal import Exposition
internal import Synchronization

/// What the scheduler tells those who watch over it, under upstream's names. Safe from any thread.
final class SchedulerMetrics: Sendable {
    /// Where Pods wait.
    enum Queue: Int, CaseIterable {
        case active, backoff, unschedulable, gated

        /// In upstream's words.
        var name: String { Self.names[rawValue] }
        private static let names = allCases.map { "\($0)" }
    }

    /// How many Pods wait where.
    struct Pending: Sendable, Equatable {
        private var counts = SIMD4<Int>()

        subscript(_ queue: Queue) -> Int {
            get { counts[queue.rawValue] }
            set { counts[queue.rawValue] = newValue }
        }

        /// `nil` is nowhere.
        mutating func move(from: Queue?, to: Queue?) {
            if let from { self[from] -= 1 }
            if let to { self[to] += 1 }
        }
    }

    /// Who refused a Pod, a policy or what the scheduler itself sees to by upstream's name, and which profile decided.
    struct Refuser: Hashable {
        let plugin: String
        let profile: String
    }

    /// What came of an attempt.
    enum Result: String { case scheduled, unschedulable, error }

    private let attempts = Counters(
        "scheduler_schedule_attempts_total", "Attempts to find a Node for a Pod, by what came of them.", labels: ["result", "profile"])
    private let durations = Durations(
        "scheduler_scheduling_attempt_duration_seconds", "How long attempts took, with binding.", labels: ["result", "profile"])
    private let sli = Durations(
        "scheduler_pod_scheduling_sli_duration_seconds", "How long Pods took to be bound since they came.", labels: ["attempts"],
        bounds: doubling(0.01, 20))
    private let tries = Distributions(
        "scheduler_pod_scheduling_attempts", "How many attempts it took to bind a Pod.", bounds: doubling(1, 5))
    private let preemptions = Counters("scheduler_preemption_attempts_total", "How often Pods were looked for that could make room.")
    private let victims = Distributions(
        "scheduler_preemption_victims", "How many Pods were to make room for one.", bounds: doubling(1, 7))
    private let points = Durations(
        "scheduler_framework_extension_point_duration_seconds", "How long all policies together took at one point.",
        labels: ["extension_point", "status", "profile"], bounds: doubling(0.0001, 12))
    private let permitWaits = Durations(
        "scheduler_permit_wait_duration_seconds", "How long Pods with a Node waited to be bound.", labels: ["result"])
    private let incoming = Counters(
        "scheduler_queue_incoming_pods_total", "Pods that came to wait in a queue, by what brought them.", labels: ["queue", "event"])
    private let evaluations = Counters(
        "scheduler_plugin_evaluation_total", "How often policies were asked at a point.", labels: ["plugin", "extension_point", "profile"])
    private let executions = Durations(
        "scheduler_plugin_execution_duration_seconds", "How long one policy took at one point.",
        labels: ["plugin", "extension_point", "status"], bounds: Array(sequence(first: 0.00001) { $0 * 1.5 }.prefix(20)))
    private let unschedulable = Gauges(
        "scheduler_unschedulable_pods", "Pods that found no Node when they were tried last, by who refused them.",
        labels: ["plugin", "profile"])
    private let tasks = Gauges("scheduler_goroutines", "Tasks under way, by what they do.", labels: ["operation"])
    private let pending = Mutex(Pending())

    /// So many bounds, each twice the one before.
    private static func doubling(_ first: Double, _ count: Int) -> [Double] { (0..<count).map { first * Double(1 << $0) } }

    func came(to queue: Queue, _ event: String) { incoming.add(queue.name, event) }
    func set(_ pending: Pending) { self.pending.withLock { $0 = pending } }

    func ended(_ result: Result, profile: String, after duration: Duration) {
        attempts.add(result.rawValue, profile)
        durations.add(result.rawValue, profile, duration: duration)
    }

    /// The Pod is bound.
    func bound(_ attempt: Attempt, profile: String, at now: ContinuousClock.Instant) {
        ended(.scheduled, profile: profile, after: attempt.start.duration(to: now))
        sli.add(attempt.number >= 15 ? "15+" : "\(attempt.number)", duration: attempt.arrival.duration(to: now))
        tries.add(value: Double(attempt.number))
    }

    /// A policy was asked at a point.
    /// - Parameter status: as upstream's framework calls what it answered.
    func asked(_ policy: String, _ point: ExtensionPoint, _ status: String, profile: String, after duration: Duration) {
        evaluations.add(policy, point.name, profile)
        executions.add(policy, point.name, status, duration: duration)
    }

    /// One Pod more, or less, is refused by these.
    func refused(by refusers: Set<Refuser>, _ change: Int64) {
        for refuser in refusers { unschedulable.add(refuser.plugin, refuser.profile, by: change) }
    }

    /// One bind more, or less, is under way.
    func binding(_ change: Int64) { tasks.add("binding", by: change) }

    func lookedForVictims() { preemptions.add() }
    func displaced(_ count: Int) { victims.add(value: Double(count)) }
    func waited(_ status: String, for duration: Duration) { permitWaits.add(status, duration: duration) }

    /// - Parameter status: as upstream's framework calls what all plugins together answered.
    func passed(_ point: ExtensionPoint, _ status: String, profile: String, after duration: Duration) {
        points.add(point.name, status, profile, duration: duration)
    }
}

extension SchedulerMetrics: MetricsSource {
    func write(to text: inout MetricsText) {
        let families: [any MetricsSource] = [
            attempts, durations, sli, tries, preemptions, victims, points, permitWaits, incoming, evaluations, executions, unschedulable,
            tasks,
        ]
        for family in families { family.write(to: &text) }
        let pending = pending.withLock { $0 }
        text.family(
            "scheduler_pending_pods", .gauge, "Pods that wait for a Node, by where they wait.",
            Queue.allCases.map { ([("queue", $0.name)], "\(pending[$0])") })
    }
}
