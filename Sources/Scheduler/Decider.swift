internal import PluginAPI
internal import PluginHost

/// Finds a Node for a Pod, and has the shadows say where they would have put it. Used by the scheduling thread only.
final class Decider {
    private let ranking = Ranking()
    private let shadow = Ranking()
    /// For ties: any fair sequence does.
    private var random: UInt64

    init(seed: UInt64) { random = seed | 1 }

    func decide(_ pod: PodInfo, _ columns: NodeColumns, _ policies: PolicySet) -> Decision {
        guard !policies.active.isEmpty else { return .error("no scheduler policy is running") }
        guard columns.liveCount > 0 else { return .unschedulable(FitMessage.noNodes) }
        let arguments = PodArguments(pod, strings: columns.strings, resources: columns.resources)
        return arguments.withPointer { needs in
            columns.withPointer { nodes in
                let cycle = Cycle(pod: pod, needs: needs, nodes: nodes, columns: columns)
                let decision = ranking.rank(cycle, policies.active) ?? .node(best())
                for candidate in policies.shadows {
                    Comparison(cycle: cycle, active: policies.active, decision: decision, ranking: ranking).run(candidate, shadow)
                }
                return decision
            }
        }
    }

    /// The Node with the most points, any of them when several have as many.
    private func best() -> Int {
        var best = (node: -1, total: Int64.min, ties: UInt64(0))
        let totals = ranking.totals.pointer
        ranking.feasible.visit { node in
            let total = totals[node]
            if total > best.total {
                best = (node, total, 1)
            } else if total == best.total {
                best.ties += 1
                if nextRandom() % best.ties == 0 { best.node = node }
            }
        }
        return best.node
    }

    private func nextRandom() -> UInt64 {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return random
    }
}
