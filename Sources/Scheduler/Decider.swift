internal import APIModel
internal import PluginAPI
internal import PluginHost

/// Finds a Node for a Pod, or Pods to make room for it, and has the shadows say where they would have put it. Used by the scheduling thread
/// only.
final class Decider {
    /// What is known beside the columns.
    struct Surroundings {
        let columns: NodeColumns
        let assigned: AssignedPods
        let nominations: Nominations
        let budgets: DisruptionBudgets
        /// What decides about the Pod.
        let profile: SchedulerProfile
        /// Of the Pod that is decided.
        let volumes: Result<PodVolumes, PodVolumes.Refused>
        /// Whom the Pod is spread from, if it says nothing of that itself.
        let spreadFrom: Value?
        /// Of the Pod that is decided, too; `nil` where there are none.
        var devices: Result<PodDevices?, PodDevices.Refused> = .success(nil)
    }

    private let ranking = Ranking()
    private let standings = Standings()
    private let shadow = Ranking()
    /// For ties: any fair sequence does.
    private var random: UInt64

    private let metrics: SchedulerMetrics?

    init(seed: UInt64, _ metrics: SchedulerMetrics? = nil) {
        random = seed | 1
        self.metrics = metrics
    }

    /// - Parameters:
    ///   - isShadowed: whether the shadows say what they would have done.
    ///   - preferred: the Node to take of several that are as good.
    func decide(_ pod: PodInfo, _ surroundings: Surroundings, _ policies: PolicySet, isShadowed: Bool = true, preferred: Int? = nil) -> (
        Decision, DecisionRecord
    ) {
        let columns = surroundings.columns
        func record(_ decision: Decision) -> (Decision, DecisionRecord) {
            (decision, Self.record(decision, pod, surroundings, feasible: 0, Ranking.Account(), []))
        }
        guard !policies.active.isEmpty else { return record(.error("no scheduler policy is running")) }
        guard columns.liveCount > 0 else {
            return record(.unschedulable(Unschedulable(message: FitMessage.noNodes, helpedBy: .nodeAdded)))
        }
        var ahead: [Int: [PodInfo]] = [:]
        // Whoever comes first may ask for resources that nobody asked for yet: the needs are lent with a column for each.
        var held: [Int] = []
        for entry in surroundings.nominations.ahead(of: pod) {
            guard let node = columns.index(of: entry.node) else { continue }
            ahead[node, default: []].append(entry.pod)
            held += entry.pod.requests.amounts.others.map { columns.resources.hold($0.name) }
        }
        defer { for column in held { columns.resources.release(column) } }
        let standing = standings.standing(pod, surroundings) { Self.arguments(pod, surroundings) }
        let arguments = standing?.arguments ?? Self.arguments(pod, surroundings)
        return arguments.withPointer { needs in
            columns.withPointer { nodes in
                var cycle = Cycle(pod: pod, needs: needs, nodes: nodes, columns: columns, profile: surroundings.profile)
                cycle.nominated = surroundings.nominations[pod.key].flatMap { columns.index(of: $0.node) }
                cycle.ahead = ahead
                cycle.standing = standing
                cycle.metrics = metrics
                if case .success(let volumes) = surroundings.volumes {
                    if volumes.dependsOnOthers { cycle.needsIfGone = { Self.arguments(pod, surroundings, gone: $0) } }
                    if volumes.haveToShare { cycle.volumes = volumes }
                }
                if case .failure(let refused) = surroundings.volumes {
                    let refusal = Self.refusal(refused.message, .volume, columns, by: "VolumeBinding")
                    return record(.unschedulable(settle(refusal, cycle, surroundings, policies.active)))
                }
                switch surroundings.devices {
                case .success(let devices): cycle.devices = devices
                case .failure(let refused):
                    let refusal = Self.refusal(refused.message, .devices, columns, by: PodDevices.name)
                    return record(.unschedulable(settle(refusal, cycle, surroundings, policies.active)))
                }
                var account = Ranking.Account()
                var feasible = 0
                let decision: Decision
                switch ranking.rank(cycle, policies.active) {
                case nil:
                    account = ranking.account(cycle, policies.active)
                    feasible = ranking.feasible.count
                    decision = .node(best(preferring: preferred))
                case .error(let message): decision = .error(message)
                case .refused(let refusal): decision = .unschedulable(settle(refusal, cycle, surroundings, policies.active))
                }
                if isShadowed, !policies.shadows.isEmpty {
                    // What is kept is what the active policies said.
                    var plain = cycle
                    (plain.standing, plain.metrics) = (nil, nil)
                    for candidate in policies.shadows {
                        Comparison(cycle: plain, active: policies.active, decision: decision, ranking: ranking).run(candidate, shadow)
                    }
                }
                let refusals = { Ranking.refusals(cycle, policies.active, outside: feasible == 0 ? nil : self.ranking.feasible) }
                let refused =
                    feasible == columns.liveCount ? [] : ranking.isKept && ahead.isEmpty ? standing?.refused(refusals) ?? [] : refusals()
                return (decision, Self.record(decision, pod, surroundings, feasible: feasible, account, refused))
            }
        }
    }

    private static func record(
        _ decision: Decision, _ pod: PodInfo, _ surroundings: Surroundings, feasible: Int,
        _ account: Ranking.Account, _ refused: [DecisionRecord.Refused]
    ) -> DecisionRecord {
        let outcome: DecisionRecord.Outcome =
            switch decision {
            case .node(let node): .node(surroundings.columns.name(node))
            case .unschedulable(let found): .none(found.message)
            case .error(let message): .none(message)
            }
        return DecisionRecord(
            pod: pod.key, uid: pod.uid, schedulerName: surroundings.profile.schedulerName, time: Timestamp.nowSeconds().int64,
            outcome: outcome, nodes: surroundings.columns.liveCount, feasible: feasible, parts: account.parts,
            best: account.best, points: account.points, refused: refused)
    }

    /// What the Pod asks for, while some of the assigned Pods are gone.
    static func arguments(_ pod: PodInfo, _ surroundings: Surroundings, gone: Set<PodKey> = []) -> PodArguments {
        let rules: [PodVolumes.Rule] =
            if case .success(let volumes) = surroundings.volumes { volumes.rules(surroundings.assigned, gone: gone) } else { [] }
        let devices = (try? surroundings.devices.get()) ?? nil
        return PodArguments(
            pod, without: devices?.resources ?? [], volumes: rules, attachments: attachments(pod, surroundings.columns),
            spreadFrom: surroundings.spreadFrom,
            profile: surroundings.profile, columns: surroundings.columns)
    }

    private static func attachments(_ pod: PodInfo, _ columns: NodeColumns) -> [Attachment] {
        pod.claims.isEmpty
            ? []
            : columns.attached.wanted(pod.claims).map { volume, nodes in
                Attachment(driver: volume.driver, nodes: nodes.compactMap { columns.index(of: $0).map(UInt32.init) })
            }
    }

    /// No Node can do anything about the Pod's claims.
    private static func refusal(_ message: String, _ helpedBy: ClusterEvents, _ columns: NodeColumns, by plugin: String) -> Refusal {
        Refusal(
            message: FitMessage.refused(nodes: columns.liveCount, message: message), helpedBy: helpedBy, candidates: [],
            hopeless: columns.liveCount, refusers: [plugin])
    }

    /// What comes of it that no Node fits: whether others should make room.
    private func settle(_ refusal: Refusal, _ cycle: Cycle, _ surroundings: Surroundings, _ policies: [SchedulerPolicy]) -> Unschedulable {
        var found = Unschedulable(message: refusal.message, helpedBy: refusal.helpedBy, refusers: refusal.refusers)
        var words: [String] = []
        if cycle.profile.deallocates {
            found.idle = cycle.devices?.idle
            words.append(FitMessage.deallocation(of: found.idle, hasClaims: cycle.devices?.hasClaims == true))
        }
        if cycle.profile.preempts {
            cycle.metrics?.lookedForVictims()
            let start = ContinuousClock.now
            preempt(&found, &words, refusal, cycle, surroundings, policies)
            let status = if case .node = found.nomination { "Success" } else { "Unschedulable" }
            cycle.metrics?.passed(
                .postFilter, status, profile: cycle.profile.schedulerName, after: start.duration(to: .now))
        }
        if !words.isEmpty { found.message += " \(words.joined(separator: ", "))" }
        return found
    }

    private func preempt(
        _ found: inout Unschedulable, _ words: inout [String], _ refusal: Refusal, _ cycle: Cycle, _ surroundings: Surroundings,
        _ policies: [SchedulerPolicy]
    ) {
        if let why = ineligible(refusal, cycle, surroundings) {
            words.append(why)
            found.helpedBy.insert(.podRemoved)
            return
        }
        let preemption = Preemption(
            cycle: cycle, policies: policies, budgets: surroundings.budgets,
            offset: refusal.candidates.isEmpty ? 0 : Int(nextRandom() % UInt64(refusal.candidates.count)))
        switch preemption.run(refusal) {
        case .victims(let node, let victims):
            found.nomination = .node(node, victims: victims)
            found.helpedBy.insert(.podRemoved)
            words = []
        case .noHelp(let reasons):
            found.nomination = .none
            words.append(FitMessage.preemption(nodes: cycle.columns.liveCount, reasons: reasons))
        }
    }

    /// Why the Pod may take nobody's place now; `nil` if it may.
    private func ineligible(_ refusal: Refusal, _ cycle: Cycle, _ surroundings: Surroundings) -> String? {
        guard cycle.pod.mayPreempt else { return FitMessage.neverPreempts }
        guard let nomination = surroundings.nominations[cycle.pod.key], let node = cycle.nominated, refusal.candidates.contains(node) else {
            return nil
        }
        let isOnItsWay = surroundings.assigned.pods(on: nomination.node).contains {
            $0.priority < cycle.pod.priority && (nomination.victims.contains($0.uid) || $0.isPreempted)
        }
        return isOnItsWay ? FitMessage.alreadyPreempts : nil
    }

    /// The Node with the most points, any of them when several have as many.
    private func best(preferring preferred: Int?) -> Int {
        if let preferred, ranking.feasible.contains(preferred), ranking.totals[preferred] == ranking.most { return preferred }
        return ranking.ranks.best(nextRandom)
    }

    private func nextRandom() -> UInt64 {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return random
    }
}
