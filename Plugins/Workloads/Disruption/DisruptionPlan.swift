internal import APIModel
internal import OrderedCollections
internal import PluginKit

/// How many of the Pods that a PodDisruptionBudget is about may be evicted. No clock, no API.
struct DisruptionPlan {
    /// How long an eviction may take before its Pod counts again.
    static let deletionTimeout: Whole = 120

    let budget: Value
    let pods: [Value]
    /// Seconds since 1970.
    let now: Whole
    /// Evicted Pods that are still to be deleted, by name.
    private(set) var disrupted: [(name: String, time: Value)] = []
    /// Pods that were to be evicted and are still there.
    private(set) var lost: [Value] = []
    /// Seconds until one of `disrupted` is given up.
    private(set) var wait: Whole?

    init(_ budget: Value, pods: [Value], now: Whole) {
        (self.budget, self.pods, self.now) = (budget, pods, now)
        let noted = budget["status"]["disruptedPods"]
        guard !noted.isEmpty else { return }
        for pod in pods where pod["metadata"]["deletionTimestamp"].isNull {
            let name = pod["metadata"]["name"].string ?? ""
            guard let since = noted[name].time else { continue }
            let left = since + Self.deletionTimeout - now
            if left < 0 {
                lost.append(pod)
            } else {
                disrupted.append((name, noted[name]))
                wait = min(wait ?? left, left)
            }
        }
    }

    /// Whether the budget counts from what the Pods' controllers ask for, and not from the Pods that are there.
    var needsScale: Bool { !budget["spec"]["maxUnavailable"].isNull || budget["spec"]["minAvailable"].string != nil }

    /// - Parameter scale: what the controllers of the Pods ask for together, where `needsScale`.
    func status(scale: Whole) -> Value {
        let spec = budget["spec"]
        var (expected, desired): (Whole, Whole) = (scale, 0)
        if let most = IntOrPercent(spec["maxUnavailable"]) {
            desired = max(0, expected - most.resolved(of: expected, roundedUp: true))
        } else if let least = IntOrPercent(spec["minAvailable"]) {
            if !needsScale { expected = Whole(pods.count) }
            desired = least.resolved(of: expected, roundedUp: true)
        } else {
            expected = 0
        }
        let leaving = Set(disrupted.map(\.name))
        let healthy = Whole(
            pods.count {
                $0["metadata"]["deletionTimestamp"].isNull && !leaving.contains($0["metadata"]["name"].string ?? "") && PodState.isReady($0)
            })
        let allowed = expected > 0 ? max(0, healthy - desired) : 0
        var status: Value = [
            "currentHealthy": .int(healthy), "desiredHealthy": .int(desired), "expectedPods": .int(expected),
            "disruptionsAllowed": .int(allowed), "observedGeneration": budget["metadata"]["generation"],
            "conditions": budget["status"]["conditions"],
        ]
        if !disrupted.isEmpty {
            status["disruptedPods"] = .object(Value.Fields(disrupted.map { ($0.name, $0.time) }, uniquingKeysWith: { first, _ in first }))
        }
        setCondition(&status, allowed > 0, allowed > 0 ? "SufficientPods" : "InsufficientPods", "")
        return status
    }

    /// The status when nobody can say: then nothing may be evicted.
    func failed(_ message: String) -> Value {
        var status = budget["status"].isNull ? .emptyObject : budget["status"]
        status["disruptionsAllowed"] = 0
        setCondition(&status, false, "SyncFailed", message)
        return status
    }

    private func setCondition(_ status: inout Value, _ isAllowed: Bool, _ reason: String, _ message: String) {
        Conditions.set(&status, type: "DisruptionAllowed", .init(isAllowed), reason: reason, message: message)
        let generation = status["observedGeneration"]
        Conditions.update(&status, type: "DisruptionAllowed") { $0["observedGeneration"] = generation }
    }
}
