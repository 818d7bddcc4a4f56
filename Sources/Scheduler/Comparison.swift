internal import PluginHost

/// Where a shadow would have put the Pod of a cycle that is decided, on the same columns, and why both chose as they did.
struct Comparison {
    let cycle: Cycle
    let active: [SchedulerPolicy]
    let decision: Decision
    /// The active policies', as it was when they decided.
    let ranking: Ranking

    /// Has `candidate` rank the Nodes, in `shadow`, and records what came of it.
    func run(_ candidate: ShadowPolicy, _ shadow: Ranking) {
        let failure = shadow.rank(cycle, candidate.policies)?.message
        let key = cycle.pod.key
        let chosen: Int? = if case .node(let node) = decision { node } else { nil }
        let most = failure == nil ? shadow.most : 0
        // Where several Nodes are as good, any of them is the candidate's choice: ours, if it is among them.
        var wanted: Int?
        if failure == nil {
            shadow.feasible.visit { node in if shadow.totals[node] == most, wanted == nil || node == chosen { wanted = node } }
        }
        guard chosen != wanted else {
            candidate.record(
                pod: key.description, active: name(chosen), activeReason: "", candidate: name(wanted), candidateReason: "", differs: false)
            return
        }
        candidate.record(
            pod: key.description, active: name(chosen), activeReason: words(chosen, before: wanted, decision.message, ranking, active),
            candidate: name(wanted),
            candidateReason: words(wanted, before: chosen, failure ?? "", shadow, candidate.policies), differs: true)
    }

    private func name(_ node: Int?) -> String { node.map(cycle.columns.name) ?? "" }

    /// `node-a: 83 points, node-b: 71`: what spoke for the one and against the other; where nothing was chosen, the message of that.
    private func words(_ chosen: Int?, before other: Int?, _ failure: String, _ ranking: Ranking, _ policies: [SchedulerPolicy])
        -> String
    {
        guard let chosen else { return failure }
        let isOnly = ranking.feasible.count == 1
        let first = "\(name(chosen)): " + (isOnly ? "the only Node that fits" : "\(ranking.totals[chosen]) points")
        guard let other else { return first }
        let against = ranking.feasible.contains(other) ? "\(ranking.totals[other])" : reasons(against: other, policies)
        return "\(first), \(name(other)): \(against)"
    }

    private func reasons(against node: Int, _ policies: [SchedulerPolicy]) -> String {
        let reasons = Ranking.reasons(against: node, cycle, policies)
        return reasons.isEmpty ? "refused" : reasons.joined(separator: ", ")
    }
}

extension Decision {
    /// Why there is no Node; empty where there is one.
    fileprivate var message: String {
        switch self {
        case .node: ""
        case .unschedulable(let found): found.message
        case .error(let message): message
        }
    }
}

extension Ranking.Failure {
    fileprivate var message: String {
        switch self {
        case .refused(let refusal): refusal.message
        case .error(let message): message
        }
    }
}
