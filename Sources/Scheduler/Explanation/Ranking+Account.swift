internal import PluginAPI
internal import PluginHost

// What there is to say about a cycle, found out right after it.
extension Ranking {
    /// What there is to say of the Nodes with the most points, as a `DecisionRecord` has it.
    struct Account {
        var parts: [DecisionRecord.Part] = []
        var best: [(node: String, total: Int64)] = []
        var points: [Int32] = []
    }

    /// To be called after a `rank` that left Nodes, before anything else.
    func account(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Account {
        let best = ranks.best(DecisionRecord.shown)
        var account = Account(best: best.map { (cycle.columns.name($0), totals[$0]) })
        guard feasible.count > 1 else { return account }
        func add(_ part: DecisionRecord.Part, _ column: UnsafePointer<Int32>) {
            account.parts.append(part)
            for node in best { account.points.append(column[node]) }
        }
        // Where points are of single Nodes, those of the best are asked for again.
        var told = isWhole ? feasible : NodeBits()
        defer { if !isWhole { told.free() } }
        if !isWhole {
            told.assign(noneOf: cycle.columns.count)
            for node in best { told.insert(node) }
        }
        for policy in policies where policy.hasScore && cycle.profile.asks(policy.name, at: .score) {
            let part = DecisionRecord.Part(policy: policy.name, score: policy.name, weight: cycle.weight(of: policy))
            if !policy.hasExplain, isWhole {
                if let column = kept[policy.name] { add(part, column) }
                continue
            }
            if !isWhole { rate(cycle, policy, of: told) { if !policy.hasExplain { add(part, $0) } } }
            // What it does not say is not known: the decision stands.
            _ = policy.explain(cycle.needs, cycle.nodes, told.words.pointer) { score, own, column in
                add(.init(policy: policy.name, score: score, weight: part.weight * Int64(own)), column)
            }
        }
        if cycle.devices != nil, let column = kept[PodDevices.name], let weight = cycle.profile.scores[PodDevices.name] {
            add(.init(policy: PodDevices.name, score: PodDevices.name, weight: Int64(weight)), column)
        }
        return account
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
        var found: [Int: [String]] = [:]
        func ask(_ nodes: [Int]) {
            var asked = NodeBits()
            defer { asked.free() }
            asked.assign(noneOf: cycle.columns.count)
            for node in nodes { asked.insert(node) }
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
            _ = cycle.filterByClaims(asked) { found[$0, default: []].append($1.reason) }
        }
        ask(nodes)
        for node in nodes where found[node] == nil && cycle.ahead[node] != nil { cycle.withThoseAhead(on: node) { ask([node]) } }
        return nodes.compactMap { node in found[node].map { .init(node: cycle.columns.name(node), reasons: $0) } }
    }
}
