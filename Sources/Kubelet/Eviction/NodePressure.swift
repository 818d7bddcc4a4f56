import APIModel

/// What a node is short of, from one look at it to the next: which thresholds are met, since when, and what is said of it. Knows no clock;
/// every time is nanoseconds since 1970. Upstream: `eviction_manager.go`, `synchronize`.
struct NodePressure: Sendable {
    typealias Threshold = EvictionPolicy.Threshold

    let policy: EvictionPolicy
    /// What the node is short of, or was lately: types of Node conditions.
    private(set) var conditions: Set<String> = []
    private var since: [Threshold: Whole] = [:]
    private var lastSeen: [String: Whole] = [:]
    private var acting: [Threshold] = []

    init(policy: EvictionPolicy) { self.policy = policy }

    /// Takes in a look at the node. Answers the thresholds that something has to be done about now, the most urgent first.
    mutating func observe(_ figures: NodeFigures, at now: Whole) -> [Threshold] {
        func met(_ thresholds: [Threshold], isReclaiming: Bool) -> [Threshold] {
            thresholds.filter { threshold in
                figures.observations[threshold.signal].map { threshold.isMet($0, isReclaiming: isReclaiming) } ?? false
            }
        }
        let unresolved = met(acting, isReclaiming: true)
        let current = met(policy.thresholds, isReclaiming: false)
        let all = policy.thresholds.filter { current.contains($0) || unresolved.contains($0) }
        since = Dictionary(uniqueKeysWithValues: all.map { ($0, since[$0] ?? now) })
        for threshold in all { lastSeen[threshold.signal.condition] = now }
        let period = policy.settings.transitionPeriod * 1_000_000_000
        conditions = Set(lastSeen.filter { now - $0.value < period || $0.value == now }.keys)
        acting = all.filter { now - (since[$0] ?? now) >= ($0.grace ?? 0) * 1_000_000_000 }
        // Memory does not wait.
        return acting.filter { $0.signal == .memory } + acting.filter { $0.signal != .memory }
    }

    /// Whether nothing is to be had back any more.
    func isSatisfied(_ figures: NodeFigures) -> Bool {
        policy.thresholds.allSatisfy { threshold in
            figures.observations[threshold.signal].map { !threshold.isMet($0, isReclaiming: true) } ?? true
        }
    }
}
