internal import PluginAPI
internal import PluginHost

/// Which Pods of lower priority should go so that a Pod fits, and where: upstream's DefaultPreemption.
///
/// It belongs to the loop and not to a policy because every active policy has a say: Pods are lifted from the columns, all filters are asked about
/// those Nodes, and the Pods are put back. Policies hear of it as of any other change, so each trial costs what it changes. Nodes that do not depend on one
/// another are tried together, with one call for all.
struct Preemption {
    let cycle: Cycle
    let policies: [SchedulerPolicy]
    let budgets: DisruptionBudgets
    /// Where to begin among the candidates.
    let offset: Int

    enum Outcome {
        /// These have to go from this Node; the most important one first.
        case victims(node: Int, [PodInfo])
        /// Nobody's going would help; by reason, on how many Nodes.
        case noHelp(reasons: [String: Int])
    }

    private struct Candidate {
        let node: Int
        let victims: [PodInfo]
        let broken: Int
        /// Less is better: few broken budgets, unimportant Pods, few of them, and such as started lately.
        let cost: (Int, Int32, Int64, Int, Int64)

        init(node: Int, victims: [PodInfo], broken: Int) {
            self.node = node
            self.victims = victims.sorted { $0.isMoreImportant(than: $1) }
            self.broken = broken
            let highest = victims.map(\.priority).max() ?? .min
            // Of equally many Pods with negative priorities the sum must not prefer the more.
            let sum = victims.reduce(Int64(0)) { $0 + Int64($1.priority) + Int64(Int32.max) + 1 }
            let earliest = victims.filter { $0.priority == highest }.map(\.startOrNow).min() ?? .max
            cost = (broken, highest, sum, victims.count, -earliest)
        }
    }

    /// What was found until now.
    private struct Findings {
        var candidates: [Candidate] = []
        var reasons: [String: Int] = [:]
    }

    /// A Node on which it is tried how many may stay.
    private struct Trial {
        let node: Int
        /// All of lower priority: those whose going would break a budget, then the others, each the more important first.
        let order: [PodInfo]
        let breaking: Int
        /// How many of them were tried, and which have to go.
        var tried = 0
        var victims: [PodInfo] = []
        var broken = 0
        var isOver = false
    }

    /// So many Pods are lifted at once, at most, but for those of one Node: policies remember that many changes.
    private static let mostLifted = 1024

    /// How many candidates are compared of so many Nodes on which others might make room.
    private func enough(of nodes: Int) -> Int {
        let arguments = cycle.profile.arguments
        return min(max(nodes * arguments.minCandidateNodesPercentage / 100, arguments.minCandidateNodesAbsolute), nodes)
    }

    func run(_ refusal: Refusal) -> Outcome {
        var findings = Findings()
        if refusal.hopeless > 0 { findings.reasons[FitMessage.notHelpful] = refusal.hopeless }
        let enough = enough(of: refusal.candidates.count)
        var next = 0
        // What policies say meanwhile is of Pods that are not gone.
        defer { cycle.standing?.forget() }
        while next < refusal.candidates.count {
            if findings.candidates.count >= enough, findings.candidates.contains(where: { $0.broken == 0 }) { break }
            let wanted = max(enough - findings.candidates.count, 1)
            let trials = trials(refusal, from: &next, wanted, &findings)
            let areTogether = trials.count > 1 && tryTogether(trials, &findings)
            if !areTogether { for trial in trials { cycle.withThoseAhead(on: trial.node) { tryAlone(trial, &findings) } } }
        }
        guard let best = findings.candidates.min(by: { $0.cost < $1.cost }) else { return .noHelp(reasons: findings.reasons) }
        return .victims(node: best.node, best.victims)
    }

    /// The next Nodes that have Pods of lower priority; one where others are ahead is by itself.
    private func trials(_ refusal: Refusal, from next: inout Int, _ wanted: Int, _ findings: inout Findings) -> [Trial] {
        var trials: [Trial] = []
        var lifted = 0
        while next < refusal.candidates.count, trials.count < wanted {
            let node = refusal.candidates[(next + offset) % refusal.candidates.count]
            let lower = cycle.columns.lessImportant(on: node, than: cycle.pod.priority)
            let isAlone = cycle.ahead[node] != nil
            if !trials.isEmpty, isAlone || lifted + lower.count > Self.mostLifted { break }
            next += 1
            guard !lower.isEmpty else {
                findings.reasons[FitMessage.noVictims, default: 0] += 1
                continue
            }
            let (breaking, others) = budgets.split(lower)
            trials.append(Trial(node: node, order: breaking + others, breaking: breaking.count))
            lifted += lower.count
            if isAlone { break }
        }
        return trials
    }

    // MARK: Together

    /// Lifts all Pods of lower priority from the Nodes, and puts one back on each, again and again, where it leaves room. Returns whether it could be done:
    /// what one of the Nodes is to the Pod must not depend on the others.
    private func tryTogether(_ trials: [Trial], _ findings: inout Findings) -> Bool {
        guard let standing = cycle.standing, standing.arguments.serial != 0, cycle.needsIfGone == nil else { return false }
        let (columns, filters) = (cycle.columns, policies.filter(cycle.filters))
        guard filters.allSatisfy(\.hasAffected) else { return false }
        var (nodes, others) = (NodeBits(), NodeBits())
        defer {
            nodes.free()
            others.free()
        }
        /// Whether anything became of Nodes by what was done to others.
        func isAnyAffected() -> Bool {
            others.assign(noneOf: columns.count)
            return !ask() || !others.isEmpty
        }
        func ask() -> Bool {
            columns.lend()
            return filters.allSatisfy {
                $0.affected(cycle.needs, cycle.nodes, answers: APUS_ANSWER_FILTER, others.words.pointer).status == APUS_OK
            }
        }
        others.assign(columns.live)
        guard ask() else { return false }
        var tried = trials
        var reasons = Findings()
        for trial in trials { for pod in trial.order { columns.lift(pod, from: trial.node) } }
        var isTrue = !isAnyAffected()
        nodes.assign(noneOf: columns.count)
        for trial in trials { nodes.insert(trial.node) }
        if isTrue {
            filter(nodes)
            if findings.candidates.isEmpty { explain(trials.map(\.node).filter { !nodes.contains($0) }, &reasons) }
        }
        for index in tried.indices { tried[index].isOver = !nodes.contains(tried[index].node) || !isTrue }
        while isTrue, tried.contains(where: { !$0.isOver }) {
            nodes.assign(noneOf: columns.count)
            for trial in tried where !trial.isOver {
                columns.putBack(trial.order[trial.tried], to: trial.node)
                nodes.insert(trial.node)
            }
            isTrue = !isAnyAffected()
            filter(nodes)
            for index in tried.indices where !tried[index].isOver {
                let pod = tried[index].order[tried[index].tried]
                if !nodes.contains(tried[index].node) {
                    columns.lift(pod, from: tried[index].node)
                    tried[index].victims.append(pod)
                    if tried[index].tried < tried[index].breaking { tried[index].broken += 1 }
                }
                tried[index].tried += 1
                tried[index].isOver = tried[index].tried == tried[index].order.count
            }
        }
        for trial in tried {
            // Those that were not tried are gone yet, as victims are.
            for pod in trial.victims + trial.order[trial.tried...] { columns.putBack(pod, to: trial.node) }
        }
        columns.lend()
        guard isTrue else { return false }
        findings.reasons.merge(reasons.reasons, uniquingKeysWith: +)
        for trial in tried where !trial.victims.isEmpty {
            findings.candidates.append(Candidate(node: trial.node, victims: trial.victims, broken: trial.broken))
        }
        return true
    }

    /// Clears the Nodes that will not do as things are.
    private func filter(_ nodes: NodeBits) {
        cycle.columns.lend()
        for policy in policies where !nodes.isEmpty && cycle.profile.asks(policy.name, at: .filter) {
            guard policy.filter(cycle.needs, cycle.nodes, nodes.words.pointer).status == APUS_OK else {
                return nodes.subtract(nodes)
            }
        }
    }

    /// Notes why nobody's going helps on these Nodes.
    private func explain(_ nodes: [Int], _ findings: inout Findings) {
        guard !nodes.isEmpty else { return }
        var asked = NodeBits()
        defer { asked.free() }
        asked.assign(noneOf: cycle.columns.count)
        for node in nodes { asked.insert(node) }
        for policy in policies where !asked.isEmpty && cycle.profile.asks(policy.name, at: .filter) {
            let before = NodeBits(copying: asked)
            defer { before.free() }
            var reasons: [String: Int] = [:]
            let (status, message) = policy.filter(cycle.needs, cycle.nodes, asked.words.pointer) { refused, _, reason, _ in
                var count = 0
                for word in 0..<before.words.count { count += (before.words[word] & refused[word]).nonzeroBitCount }
                if count > 0 { reasons[reason, default: 0] += count }
            }
            findings.reasons.merge(reasons, uniquingKeysWith: +)
            if status != APUS_OK {
                findings.reasons[message.isEmpty ? "refused" : message, default: 0] += before.count
                return
            }
        }
    }

    // MARK: One by one

    /// Takes all Pods of lower priority away, and puts back as many as leave room.
    private func tryAlone(_ trial: Trial, _ findings: inout Findings) {
        let (columns, node) = (cycle.columns, trial.node)
        for pod in trial.order { columns.lift(pod, from: node) }
        columns.lend()
        let why = Ranking.reasons(against: node, cycle, policies, gone: trial.order)
        guard why.isEmpty else {
            for pod in trial.order { columns.putBack(pod, to: node) }
            columns.lend()
            for reason in why { findings.reasons[reason, default: 0] += 1 }
            return
        }
        var (victims, gone, broken) = ([PodInfo](), trial.order, 0)
        for (index, pod) in trial.order.enumerated() where !spare(pod, node, &gone) {
            victims.append(pod)
            if index < trial.breaking { broken += 1 }
        }
        for pod in victims { columns.putBack(pod, to: node) }
        columns.lend()
        if !victims.isEmpty { findings.candidates.append(Candidate(node: node, victims: victims, broken: broken)) }
    }

    /// Puts a Pod back if there is room for it beside the one that comes.
    private func spare(_ pod: PodInfo, _ node: Int, _ gone: inout [PodInfo]) -> Bool {
        cycle.columns.putBack(pod, to: node)
        cycle.columns.lend()
        gone.removeAll { $0.key == pod.key }
        if Ranking.reasons(against: node, cycle, policies, gone: gone).isEmpty { return true }
        gone.append(pod)
        cycle.columns.lift(pod, from: node)
        cycle.columns.lend()
        return false
    }
}
