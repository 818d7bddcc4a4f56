internal import APIModel
internal import PluginAPI
internal import PluginKit
internal import Synchronization

/// The rules of upstream's default profile. What concerns a Pod and a Node alone is decided on the columns, with nothing allocated for a
/// Node; what concerns the Pods around is counted in `Surroundings`.
final class DefaultPolicy: SchedulerPolicy {
    private let surroundings = Surroundings()
    private let state = Mutex(State())

    private struct State {
        var profiles = Profiles()
        /// What the points of the last `score` are made of.
        var parts: [Scoring.Part] = []
    }

    static let slots: PolicySlots = [.filter, .score, .explain]

    /// A profile's weights may be any: the host sees to it that they have room here.
    static let mostPoints = Int(Int32.max)

    init(_ host: Host, config: Value) {}

    func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) throws {
        try state.withLock { state in
            let profile = state.profiles.profile(of: pod)
            let checks = Checks(pod, nodes, surroundings.plan(pod, nodes), profile)
            if checks.isContradictory { throw ComponentError(.unresolvable, "pod affinity terms conflict") }
            guard let reasons else {
                for node in feasible where checks.refusal(of: node) != nil { feasible.remove(node) }
                return
            }
            var ledger = ReasonLedger(count: nodes.count)
            for node in feasible {
                guard let refusal = checks.refusal(of: node) else { continue }
                for reason in checks.explain(refusal, node) { ledger.add(node, reason) }
                feasible.remove(node)
            }
            ledger.report(to: reasons)
        }
    }

    func score(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) throws {
        state.withLock { state in
            let profile = state.profiles.profile(of: pod)
            state.parts = Scoring(pod, nodes, surroundings.plan(pod, nodes), profile).parts(feasible)
            for node in feasible { points[node] = 0 }
            for part in state.parts {
                for node in feasible { points[node] += part.weight * part.points[node] }
            }
        }
    }

    func explain(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ parts: ScoreParts) throws {
        for part in state.withLock({ $0.parts }) { parts.add(part.score.rawValue, weight: part.weight, part.points) }
    }
}
