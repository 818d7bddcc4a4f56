import APIModel
import Synchronization

/// What the node is short of, for all who ask. Safe from any task.
final class PressureGauge: Sendable {
    private let state: Mutex<NodePressure>

    init(policy: EvictionPolicy) { state = Mutex(NodePressure(policy: policy)) }

    /// Types of Node conditions.
    var conditions: Set<String> { state.withLock { $0.conditions } }

    /// As `NodePressure.observe`; says also whether the conditions are others than before.
    func observe(_ figures: NodeFigures, at now: Whole) -> (due: [EvictionPolicy.Threshold], haveConditionsChanged: Bool) {
        state.withLock { state in
            let before = state.conditions
            return (state.observe(figures, at: now), state.conditions != before)
        }
    }

    func isSatisfied(_ figures: NodeFigures) -> Bool { state.withLock { $0.isSatisfied(figures) } }

    /// Why the node takes no such pod now. Upstream: `eviction_manager.go`, `Admit`.
    func refusal(of pod: Pod) -> PodAdmission.Refusal? {
        let conditions = conditions
        guard !conditions.isEmpty, !pod.isCritical else { return nil }
        if conditions == [EvictionSignal.memory.condition] {
            let taint: Value = ["key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"]
            let isPatient = pod.spec["tolerations"].elements.contains { NodeFit.tolerates($0, taint) }
            if isPatient || QualityOfService(of: pod) != .bestEffort { return nil }
        }
        let list = conditions.sorted().joined(separator: " ")
        return .init(reason: Eviction.reason, message: "The node had condition: [\(list)]. ")
    }
}
