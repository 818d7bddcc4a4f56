internal import PluginAPI
internal import PluginHost

/// Which Pods of lower priority should go so that a Pod fits, and where: upstream's DefaultPreemption.
///
/// It belongs to the loop and not to a policy because every active policy has a say: Pods are taken out of the columns, all filters are
/// asked about that one Node, and the Pods are put back. Policies hear of it as of any other change, so each trial costs what it changes.
struct Preemption {
    let cycle: Cycle
    let policies: [SchedulerPolicy]
    let assigned: AssignedPods
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
        var cost: (Int, Int32, Int64, Int, Int64) {
            let highest = victims.map(\.priority).max() ?? .min
            // Of equally many Pods with negative priorities the sum must not prefer the more.
            let sum = victims.reduce(Int64(0)) { $0 + Int64($1.priority) + Int64(Int32.max) + 1 }
            let earliest = victims.filter { $0.priority == highest }.map(\.startOrNow).min() ?? .max
            return (broken, highest, sum, victims.count, -earliest)
        }
    }

    /// How many candidates are compared.
    private var enough: Int {
        let (nodes, arguments) = (cycle.columns.liveCount, cycle.profile.arguments)
        return min(max(nodes * arguments.minCandidateNodesPercentage / 100, arguments.minCandidateNodesAbsolute), nodes)
    }

    func run(_ refusal: Refusal) -> Outcome {
        cycle.withThoseAhead {
            var reasons: [String: Int] = refusal.hopeless > 0 ? [FitMessage.notHelpful: refusal.hopeless] : [:]
            let enough = enough
            var candidates: [Candidate] = []
            for index in refusal.candidates.indices {
                let node = refusal.candidates[(index + offset) % refusal.candidates.count]
                switch victims(on: node) {
                case .success(let candidate): candidates.append(candidate)
                case .failure(let why): for reason in why.reasons { reasons[reason, default: 0] += 1 }
                }
                if candidates.count >= enough, candidates.contains(where: { $0.broken == 0 }) { break }
            }
            guard let best = candidates.min(by: { $0.cost < $1.cost }) else { return .noHelp(reasons: reasons) }
            return .victims(node: best.node, best.victims)
        }
    }

    private struct NoHelp: Error {
        let reasons: [String]
    }

    /// Takes all Pods of lower priority away, and puts back as many as leave room: those whose going would break a budget before others, and
    /// the more important first.
    private func victims(on node: Int) -> Result<Candidate, NoHelp> {
        let columns = cycle.columns
        let lower = assigned.pods(on: columns.name(node)).filter { $0.priority < cycle.pod.priority }
        guard !lower.isEmpty else { return .failure(NoHelp(reasons: [FitMessage.noVictims])) }
        for pod in lower { columns.subtract(pod, from: node) }
        columns.lend()
        let why = Ranking.reasons(against: node, cycle, policies, gone: lower)
        guard why.isEmpty else {
            for pod in lower { columns.add(pod, to: node) }
            columns.lend()
            return .failure(NoHelp(reasons: why))
        }
        var (victims, gone) = ([PodInfo](), lower)
        let (breaking, others) = budgets.split(lower.sorted { $0.isMoreImportant(than: $1) })
        for pod in breaking where !spare(pod, node, &gone) { victims.append(pod) }
        let broken = victims.count
        for pod in others where !spare(pod, node, &gone) { victims.append(pod) }
        for pod in victims { columns.add(pod, to: node) }
        columns.lend()
        victims.sort { $0.isMoreImportant(than: $1) }
        return .success(Candidate(node: node, victims: victims, broken: broken))
    }

    /// Puts a Pod back if there is room for it beside the one that comes.
    private func spare(_ pod: PodInfo, _ node: Int, _ gone: inout [PodInfo]) -> Bool {
        cycle.columns.add(pod, to: node)
        cycle.columns.lend()
        gone.removeAll { $0.key == pod.key }
        if Ranking.reasons(against: node, cycle, policies, gone: gone).isEmpty { return true }
        gone.append(pod)
        cycle.columns.subtract(pod, from: node)
        cycle.columns.lend()
        return false
    }
}
