internal import PluginAPI
internal import PluginHost

// What there is to say about a cycle, found out right after it.
extension Ranking {
    /// The parts of the points, and the Nodes with the most. To be called after a `rank` that left Nodes, before anything else.
    func account(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> (parts: [DecisionRecord.Part], candidates: [DecisionRecord.Candidate]) {
        let best = best(DecisionRecord.shown)
        var parts: [DecisionRecord.Part] = []
        var points = [[Int32]](repeating: [], count: best.count)
        func add(_ part: DecisionRecord.Part, _ column: UnsafePointer<Int32>) {
            parts.append(part)
            for (index, node) in best.enumerated() { points[index].append(column[node]) }
        }
        if feasible.count > 1 {
            for policy in policies where policy.hasScore && cycle.profile.asks(policy.name, at: .score) {
                let weight = Int64(cycle.profile.weight(of: policy.name) ?? policy.weight)
                guard policy.hasExplain else {
                    if let column = kept[policy.name] { add(.init(policy: policy.name, score: policy.name, weight: weight), column) }
                    continue
                }
                // What it does not say is not known: the decision stands.
                _ = policy.explain(cycle.needs, cycle.nodes, feasible.words.pointer) { score, own, column in
                    add(.init(policy: policy.name, score: score, weight: weight * Int64(own)), column)
                }
            }
        }
        return (
            parts,
            best.enumerated().map { index, node in
                .init(node: cycle.columns.name(node), total: totals[node], points: points[index])
            }
        )
    }

    /// The feasible Nodes with the most points, best first; of equals those that come first.
    private func best(_ limit: Int) -> [Int] {
        var best: [Int] = []
        let totals = totals.pointer
        feasible.visit { node in
            if best.count == limit, totals[node] <= totals[best[limit - 1]] { return }
            let place = best.firstIndex { totals[$0] < totals[node] } ?? best.count
            best.insert(node, at: place)
            if best.count > limit { best.removeLast() }
        }
        return best
    }

    /// Some of the Nodes that would not do, each with what the first policy refused it for.
    static func refusals(_ cycle: Cycle, _ policies: [SchedulerPolicy], outside feasible: NodeBits?) -> [DecisionRecord.Refused] {
        var nodes: [Int] = []
        let live = cycle.columns.live
        for word in 0..<live.count where nodes.count < DecisionRecord.shown {
            var bits = live[word] & ~(feasible?.words[word] ?? 0)
            while bits != 0, nodes.count < DecisionRecord.shown {
                nodes.append(word << 6 | bits.trailingZeroBitCount)
                bits &= bits - 1
            }
        }
        guard !nodes.isEmpty else { return [] }
        return cycle.withThoseAhead {
            var asked = NodeBits()
            defer { asked.free() }
            asked.assign(live, words: 0..<0)
            for node in nodes { asked.insert(node) }
            var found: [Int: [String]] = [:]
            for policy in policies where !asked.isEmpty && cycle.profile.asks(policy.name, at: .filter) {
                let before = nodes.filter(asked.contains)
                let (status, message) = policy.filter(cycle.needs, cycle.nodes, asked.words.pointer) { refused, _, reason, _ in
                    for node in before where refused[node >> 6] & (1 << UInt64(node & 63)) != 0 { found[node, default: []].append(reason) }
                }
                for node in before where status != APUS_OK || !asked.contains(node) {
                    if found[node] == nil { found[node] = [message.isEmpty ? "refused" : message] }
                }
                if status != APUS_OK { break }
            }
            return nodes.compactMap { node in found[node].map { .init(node: cycle.columns.name(node), reasons: $0) } }
        }
    }
}
