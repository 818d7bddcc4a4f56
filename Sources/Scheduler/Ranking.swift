internal import PluginAPI
internal import PluginHost

/// What one cycle is about: a Pod, as it is and as the ABI lends it, and all Nodes.
struct Cycle {
    let pod: PodInfo
    let needs: UnsafePointer<apus_pod>
    let nodes: UnsafePointer<apus_nodes>
    let columns: NodeColumns
    var profile = SchedulerProfile.standard
    /// The Node that the Pod is nominated for: if it will do, it is the one.
    var nominated: Int?
    /// Pods that wait for room on a Node and come before this one there.
    var ahead: [(pod: PodInfo, node: Int)] = []

    /// For a Pod that others keep from somewhere by what they have: its needs while some of them are gone.
    var needsIfGone: ((Set<PodKey>) -> PodArguments)?

    /// Calls `body` with the Pod's needs while those Pods are gone.
    func withNeeds<R>(gone: some Sequence<PodInfo>, _ body: (UnsafePointer<apus_pod>) -> R) -> R {
        guard let needsIfGone else { return body(needs) }
        let arguments = needsIfGone(Set(gone.map(\.key)))
        // Its resources may have columns of their own.
        columns.lend()
        return arguments.withPointer(body)
    }

    /// Runs `body` with the Pods that come first counted where they wait to run.
    func withThoseAhead<R>(_ body: () -> R) -> R {
        guard !ahead.isEmpty else { return body() }
        for (pod, node) in ahead { columns.add(pod, to: node) }
        columns.lend()
        defer {
            for (pod, node) in ahead { columns.subtract(pod, from: node) }
            columns.lend()
        }
        return body()
    }
}

/// Why no Node would do.
struct Refusal {
    /// `0/3 nodes are available: …`, without what preemption came to.
    var message: String
    var helpedBy: ClusterEvents
    /// The Nodes that might do if Pods made room, and how many would not whoever went.
    var candidates: [Int]
    var hopeless: Int
}

/// The Nodes that some policies let a Pod run on, with their points. Used by the scheduling thread only; its buffers are kept between
/// cycles.
final class Ranking {
    enum Failure {
        case refused(Refusal)
        case error(String)
    }

    private(set) var feasible = NodeBits()
    /// Of all policies, by weight. Means something for the Nodes of `feasible` only.
    private(set) var totals = Column<Int64>(0)
    private var points = Column<Int32>(0)
    /// By policy that does not say what its points are made of, those it gave, as long as this ranking is the newest.
    private(set) var kept: [String: [Int32]] = [:]
    /// A part of the Nodes, where not all are looked at.
    private var window = NodeBits()
    /// The word of the Nodes at which the next search of some of them begins.
    private var firstWord = 0

    deinit {
        feasible.free()
        totals.free()
        points.free()
        window.free()
    }

    /// Filters and scores all Nodes at once with every policy. Returns why no Node is left, `nil` when one is.
    func rank(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        for policy in policies where cycle.profile.asks(policy.name, at: .preFilter) {
            let (status, message) = policy.prefilter(cycle.needs)
            if status != APUS_OK { return refusal(cycle, policy, status, message) }
        }
        if let nominated = cycle.nominated {
            feasible.assign(only: nominated, of: cycle.columns.count)
            if filter(cycle, policies) == nil, !feasible.isEmpty { return score(cycle, policies) }
        }
        if let failure = search(cycle, policies) { return failure }
        return feasible.isEmpty ? explain(cycle, policies) : score(cycle, policies)
    }

    /// Finds all Nodes that will do, or as many as the profile has looked for.
    private func search(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        let (live, nodes) = (cycle.columns.live, cycle.columns.liveCount)
        let enough = cycle.profile.enough(of: nodes)
        guard enough < nodes else {
            feasible.assign(live)
            return filter(cycle, policies)
        }
        // So many words of Nodes at once as may have enough of them.
        let (first, step) = (firstWord % live.count, max(1, enough / 64))
        window.assign(live, words: 0..<0)
        var word = first
        var left = live.count
        while left > 0, window.count < enough {
            let end = min(word + min(step, left), live.count)
            feasible.assign(live, words: word..<end)
            if let failure = filter(cycle, policies) { return failure }
            window.formUnion(feasible)
            left -= end - word
            word = end == live.count ? 0 : end
        }
        let next = window.keep(enough, from: first)
        // All that was looked at is needed: on from where the search ended.
        firstWord = next == first ? word : next
        swap(&feasible, &window)
        return nil
    }

    /// Clears the Nodes that will not do, if those ahead of the Pod come, and if they do not.
    private func filter(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        if !cycle.ahead.isEmpty {
            if let failure = cycle.withThoseAhead({ filterOnce(cycle, policies) }) { return failure }
        }
        return filterOnce(cycle, policies)
    }

    private func filterOnce(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        for policy in policies where !feasible.isEmpty && cycle.profile.asks(policy.name, at: .filter) {
            let (status, message) = policy.filter(cycle.needs, cycle.nodes, feasible.words.pointer)
            if status != APUS_OK { return refusal(cycle, policy, status, message) }
        }
        return nil
    }

    private func score(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        kept = [:]
        totals.removeAll()
        totals.grow(to: cycle.columns.count)
        points.grow(to: cycle.columns.count)
        guard feasible.count > 1 else { return nil }
        for policy in policies where policy.hasScore && cycle.profile.asks(policy.name, at: .score) {
            let (status, message) = policy.score(cycle.needs, cycle.nodes, feasible.words.pointer, points.pointer)
            guard status == APUS_OK else { return .error("policy \(policy.name): \(message)") }
            let weight = Int64(cycle.profile.weight(of: policy.name) ?? policy.weight)
            if !policy.hasExplain { kept[policy.name] = Array(UnsafeBufferPointer(start: points.pointer, count: points.count)) }
            // Plain pointers: a property of a class is looked up anew for every Node.
            let (totals, points) = (totals.pointer, points.pointer)
            feasible.visit { totals[$0] += weight * Int64(points[$0]) }
        }
        return nil
    }

    /// A policy answered for all Nodes at once.
    private func refusal(_ cycle: Cycle, _ policy: SchedulerPolicy, _ status: apus_status, _ message: String) -> Failure {
        guard status == APUS_UNSCHEDULABLE || status == APUS_UNRESOLVABLE else { return .error("policy \(policy.name): \(message)") }
        let nodes = cycle.columns.liveCount
        var all: [Int] = []
        if status == APUS_UNSCHEDULABLE { NodeBits.visit(cycle.columns.live.pointer, cycle.columns.live.count) { all.append($0) } }
        return .refused(
            Refusal(
                message: FitMessage.refused(nodes: nodes, message: message), helpedBy: .all, candidates: all, hopeless: nodes - all.count))
    }

    /// The most points that any Node has. For a ranking with a Node left.
    var most: Int64 {
        var most = Int64.min
        let totals = totals.pointer
        feasible.visit { most = max(most, totals[$0]) }
        return most
    }
}

// Why not.
extension Ranking {
    /// Runs the filters again, asking why. Each Node counts for the reasons of the first policy that refused it.
    private func explain(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure {
        cycle.withThoseAhead {
            feasible.assign(cycle.columns.live)
            var reasons: [String: Int] = [:]
            var helpedBy: ClusterEvents = []
            var isHopeless = [Bool](repeating: false, count: cycle.columns.count)
            for policy in policies where cycle.profile.asks(policy.name, at: .filter) {
                let wordCount = feasible.words.count
                // A plugin may give reasons before or after it clears bits: what was in question when it was called counts.
                let before = (0..<wordCount).map { feasible.words[$0] }
                let (status, message) = policy.filter(cycle.needs, cycle.nodes, feasible.words.pointer) { refused, verdict, reason, hints in
                    var count = 0
                    NodeBits.visit(refused, wordCount) { node in
                        guard before[node >> 6] & (1 << UInt64(node & 63)) != 0 else { return }
                        count += 1
                        if verdict == APUS_UNRESOLVABLE { isHopeless[node] = true }
                    }
                    guard count > 0 else { return }
                    reasons[reason, default: 0] += count
                    helpedBy.formUnion(ClusterEvents(hints: hints))
                }
                if status != APUS_OK { return refusal(cycle, policy, status, message) }
            }
            var candidates: [Int] = []
            NodeBits.visit(cycle.columns.live.pointer, cycle.columns.live.count) { if !isHopeless[$0] { candidates.append($0) } }
            let nodes = cycle.columns.liveCount
            return .refused(
                Refusal(
                    message: FitMessage.noFit(nodes: nodes, reasons: reasons), helpedBy: reasons.isEmpty ? .all : helpedBy,
                    candidates: candidates, hopeless: nodes - candidates.count))
        }
    }

    /// What the policies refuse one Node for; none where they let the Pod run. Leaves the ranking as it is.
    /// - Parameter gone: Pods that are taken away just now.
    static func reasons(against node: Int, _ cycle: Cycle, _ policies: [SchedulerPolicy], gone: [PodInfo] = []) -> [String] {
        cycle.withNeeds(gone: gone) { reasons(against: node, cycle, $0, policies) }
    }

    private static func reasons(
        against node: Int, _ cycle: Cycle, _ needs: UnsafePointer<apus_pod>, _ policies: [SchedulerPolicy]
    ) -> [String] {
        var alone = NodeBits()
        defer { alone.free() }
        for policy in policies where cycle.profile.asks(policy.name, at: .filter) {
            var reasons: [String] = []
            alone.assign(only: node, of: cycle.columns.count)
            let (status, message) = policy.filter(needs, cycle.nodes, alone.words.pointer) { _, _, reason, _ in reasons.append(reason)
            }
            if status != APUS_OK { reasons.append(message) }
            if !alone.isEmpty, reasons.isEmpty { continue }
            return reasons.isEmpty ? ["refused"] : reasons
        }
        return []
    }
}
