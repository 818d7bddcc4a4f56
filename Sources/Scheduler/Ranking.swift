internal import PluginAPI
internal import PluginHost

/// What one cycle is about: a Pod, as it is and as the ABI lends it, and all Nodes.
struct Cycle {
    let pod: PodInfo
    let needs: UnsafePointer<apus_pod>
    let nodes: UnsafePointer<apus_nodes>
    let columns: NodeColumns
    var profile = SchedulerProfile.standard
    /// What is kept of Pods like this one.
    var standing: Standing?
    /// Where figures go; `nil`: nowhere.
    var metrics: SchedulerMetrics?
    /// The Node that the Pod is nominated for: if it will do, it is the one.
    var nominated: Int?
    /// By Node, the Pods that wait for room there and come before this one.
    var ahead: [Int: [PodInfo]] = [:]
    /// For a Pod with claims that may want one volume, where each gets one.
    var volumes: PodVolumes?
    /// For a Pod with ResourceClaims, where these can be had.
    var devices: PodDevices?

    /// For a Pod that others keep from somewhere by what they have: its needs while some of them are gone.
    var needsIfGone: ((Set<PodKey>) -> PodArguments)?

    /// Has all policies do their work at one point, and notes how long that took.
    func timed(_ point: ExtensionPoint, _ body: () -> Ranking.Failure?) -> Ranking.Failure? {
        guard let metrics else { return body() }
        let start = ContinuousClock.now
        let failure = body()
        metrics.passed(point, failure?.status ?? "Success", profile: profile.schedulerName, after: start.duration(to: .now))
        return failure
    }

    /// Has one policy do its part of that, and notes what it answered and how long that took.
    func asked(_ policy: SchedulerPolicy, _ point: ExtensionPoint, _ body: () -> (status: apus_status, message: String)) -> (
        status: apus_status, message: String
    ) {
        guard let metrics else { return body() }
        let start = ContinuousClock.now
        let answer = body()
        metrics.asked(
            policy.name, point, Ranking.word(answer.status), profile: profile.schedulerName, after: start.duration(to: .now))
        return answer
    }

    /// Calls `body` with the Pod's needs while those Pods are gone.
    func withNeeds<R>(gone: some Sequence<PodInfo>, _ body: (UnsafePointer<apus_pod>) -> R) -> R {
        guard let needsIfGone else { return body(needs) }
        let arguments = needsIfGone(Set(gone.map(\.key)))
        // Its resources may have columns of their own.
        columns.lend()
        return arguments.withPointer(body)
    }

    /// Runs `body` with the Pods that come first counted on a Node where they wait to run.
    func withThoseAhead<R>(on node: Int, _ body: () -> R) -> R {
        guard let pods = ahead[node] else { return body() }
        for pod in pods { columns.add(pod, to: node) }
        columns.lend()
        defer {
            for pod in pods { columns.subtract(pod, from: node) }
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
    /// The policies that refused Nodes, and what the scheduler itself sees to, by upstream's name.
    var refusers: Set<String>
}

/// The Nodes that some policies let a Pod run on, with their points. Used by the scheduling thread only; its buffers are kept between
/// cycles.
final class Ranking {
    enum Failure {
        case refused(Refusal)
        case error(String)

        /// In upstream's words.
        var status: String {
            switch self {
            case .refused(let refusal): refusal.candidates.isEmpty ? "UnschedulableAndUnresolvable" : "Unschedulable"
            case .error: "Error"
            }
        }
    }

    private static let words = [APUS_OK: "Success", APUS_UNSCHEDULABLE: "Unschedulable", APUS_UNRESOLVABLE: "UnschedulableAndUnresolvable"]

    /// In upstream's words.
    static func word(_ status: apus_status) -> String { words[status] ?? "Error" }

    /// Of the last cycle; those that are kept for Pods like its own, where there are some.
    private(set) var ranks = NodeRanks()
    private let own = NodeRanks()
    private var points = Column<Int32>(0)
    /// Whether the ranks are those that are kept for Pods like the cycle's.
    var isKept: Bool { ranks !== own }
    /// Whether all feasible Nodes got their points together; if not, points are of single Nodes.
    private(set) var isWhole = true
    /// By policy that does not say what its points are made of, those it gave to all Nodes, as long as this ranking is the newest.
    private(set) var kept: [String: [Int32]] = [:]
    /// A part of the Nodes, where not all are looked at.
    private var window = NodeBits()
    /// Those that were asked about last.
    private var asked = NodeBits()
    /// The word of the Nodes at which the next search of some of them begins.
    private var firstWord = 0

    deinit {
        points.free()
        window.free()
        asked.free()
    }

    var feasible: NodeBits { ranks.feasible }
    var totals: Column<Int64> { ranks.totals }

    /// Filters and scores the Nodes at once with every policy: all of them, or, where the cycle has a standing, those about which policies may say something
    /// else than they did. Returns why no Node is left, `nil` when one is.
    func rank(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        (ranks, isWhole) = (own, true)
        ranks.grow(to: cycle.columns.count)
        if let failure = cycle.timed(.preFilter, { prefilter(cycle, policies) }) { return failure }
        if let nominated = cycle.nominated {
            ranks.feasible.assign(only: nominated, of: cycle.columns.count)
            if filter(cycle, policies, ranks.feasible) == nil, heed(cycle, policies) == nil, !feasible.isEmpty {
                return score(cycle, policies)
            }
        }
        if let standing = cycle.standing, let kept = standing.ranks,
            cycle.profile.enough(of: cycle.columns.liveCount) >= cycle.columns.liveCount
        {
            ranks = kept
            if let failure = renew(standing, cycle, policies) ?? heed(cycle, policies) {
                standing.forget()
                return failure
            }
            guard feasible.isEmpty else { return nil }
            if cycle.ahead.isEmpty, let refusal = standing.refusal { return .refused(refusal) }
            let failure = explain(cycle, policies)
            if cycle.ahead.isEmpty, case .refused(let refusal) = failure { standing.refusal = refusal }
            return failure
        }
        if let failure = search(cycle, policies) { return failure }
        return feasible.isEmpty ? explain(cycle, policies) : score(cycle, policies)
    }

    private func prefilter(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        for policy in policies where cycle.profile.asks(policy.name, at: .preFilter) {
            let (status, message) = cycle.asked(policy, .preFilter) { policy.prefilter(cycle.needs) }
            if status != APUS_OK { return refusal(cycle, policy, status, message) }
        }
        return nil
    }

    /// Has the policies judge anew those Nodes alone about which they may say something else than they did.
    private func renew(_ standing: Standing, _ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        let columns = cycle.columns
        if !standing.renew(columns, policies, &window) { window.assign(columns.live) }
        for policy in policies where cycle.filters(policy) || cycle.scores(policy) {
            let (status, message) = policy.affected(cycle.needs, cycle.nodes, window.words.pointer)
            if status != APUS_OK { return refusal(cycle, policy, status, message) }
        }
        ranks.grow(to: columns.count)
        if window.isSuperset(of: columns.live) {
            standing.note(window, refused: true, columns)
            ranks.feasible.assign(columns.live)
            if let failure = filter(cycle, policies, ranks.feasible) { return failure }
            // What has no points now is to have some the next time.
            if ranks.feasible.count <= 1 { standing.forget() }
            return ranks.feasible.isEmpty ? nil : score(cycle, policies)
        }
        isWhole = false
        ranks.feasible.subtract(window)
        // Also of Nodes that went: they are among the best no more.
        asked.assign(window.words)
        window.formIntersection(columns.live)
        if let failure = filter(cycle, policies, window) { return failure }
        ranks.feasible.formUnion(window)
        standing.note(asked, refused: !window.isSuperset(of: asked.words), columns)
        if let failure = cycle.timed(.score, { add(cycle, policies, to: window) }) { return failure }
        ranks.settle(asked)
        return nil
    }

    /// Finds all Nodes that will do, or as many as the profile has looked for.
    private func search(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        let (live, nodes) = (cycle.columns.live, cycle.columns.liveCount)
        let enough = cycle.profile.enough(of: nodes)
        guard enough < nodes else {
            ranks.feasible.assign(live)
            return filter(cycle, policies, ranks.feasible) ?? heed(cycle, policies)
        }
        // So many words of Nodes at once as may have enough of them.
        let (first, step) = (firstWord % live.count, max(1, enough / 64))
        window.assign(live, words: 0..<0)
        var word = first
        var left = live.count
        while left > 0, window.count < enough {
            let end = min(word + min(step, left), live.count)
            ranks.feasible.assign(live, words: word..<end)
            if let failure = filter(cycle, policies, ranks.feasible) ?? heed(cycle, policies) { return failure }
            window.formUnion(ranks.feasible)
            left -= end - word
            word = end == live.count ? 0 : end
        }
        let next = window.keep(enough, from: first)
        // All that was looked at is needed: on from where the search ended.
        firstWord = next == first ? word : next
        swap(&ranks.feasible, &window)
        return nil
    }

    /// Clears the Nodes that will not do, whether or not those ahead of the Pod come.
    private func filter(_ cycle: Cycle, _ policies: [SchedulerPolicy], _ nodes: NodeBits) -> Failure? {
        cycle.timed(.filter) { judge(cycle, policies, nodes) }
    }

    private func judge(_ cycle: Cycle, _ policies: [SchedulerPolicy], _ nodes: NodeBits) -> Failure? {
        for policy in policies where !nodes.isEmpty && cycle.profile.asks(policy.name, at: .filter) {
            let (status, message) = cycle.asked(policy, .filter) { policy.filter(cycle.needs, cycle.nodes, nodes.words.pointer) }
            if status != APUS_OK { return refusal(cycle, policy, status, message) }
        }
        return cycle.filterByClaims(nodes).map(Failure.error)
    }

    /// Takes the Nodes out that will not do if those come that are ahead of the Pod there.
    private func heed(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        guard !cycle.ahead.isEmpty else { return nil }
        var alone = NodeBits()
        defer { alone.free() }
        for node in cycle.ahead.keys where ranks.feasible.contains(node) {
            alone.assign(only: node, of: cycle.columns.count)
            if let failure = cycle.withThoseAhead(on: node, { judge(cycle, policies, alone) }) { return failure }
            if alone.isEmpty { ranks.remove(node) }
        }
        return nil
    }

    /// Gives all feasible Nodes their points.
    private func score(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure? {
        kept = [:]
        ranks.totals.removeAll()
        ranks.totals.grow(to: cycle.columns.count)
        if feasible.count > 1, let failure = cycle.timed(.score, { add(cycle, policies, to: feasible, keeps: true) }) { return failure }
        if feasible.count > 1, let devices = cycle.devices, devices.hasAlternatives, let weight = cycle.profile.scores[PodDevices.name] {
            let (points, totals) = (devices.points(feasible, count: cycle.columns.count), ranks.totals.pointer)
            feasible.visit { totals[$0] += Int64(weight) * Int64(points[$0]) }
            kept[PodDevices.name] = points
        }
        ranks.settle()
        return nil
    }

    /// Writes the sum of all points of some Nodes.
    private func add(_ cycle: Cycle, _ policies: [SchedulerPolicy], to nodes: NodeBits, keeps: Bool = false) -> Failure? {
        points.grow(to: cycle.columns.count)
        guard !nodes.isEmpty else { return nil }
        // Plain pointers: a property of a class is looked up anew for every Node.
        let (totals, points) = (ranks.totals.pointer, points.pointer)
        var isFirst = true
        for policy in policies where policy.hasScore && cycle.profile.asks(policy.name, at: .score) {
            let (status, message) = cycle.asked(policy, .score) {
                policy.score(cycle.needs, cycle.nodes, nodes.words.pointer, points)
            }
            guard status == APUS_OK else { return .error("policy \(policy.name): \(message)") }
            let weight = cycle.weight(of: policy)
            if keeps, !policy.hasExplain { kept[policy.name] = Array(UnsafeBufferPointer(start: points, count: cycle.columns.count)) }
            if isFirst {
                nodes.visitWords { words in
                    for node in words { totals[node] = weight * Int64(points[node]) }
                } each: {
                    totals[$0] = weight * Int64(points[$0])
                }
            } else {
                nodes.visitWords { words in
                    for node in words { totals[node] += weight * Int64(points[node]) }
                } each: {
                    totals[$0] += weight * Int64(points[$0])
                }
            }
            isFirst = false
        }
        if isFirst { nodes.visit { totals[$0] = 0 } }
        return nil
    }

    /// Has a policy give points to some Nodes, and calls `body` with them, on OK.
    func rate(_ cycle: Cycle, _ policy: SchedulerPolicy, of nodes: NodeBits, _ body: (UnsafePointer<Int32>) -> Void) {
        points.grow(to: cycle.columns.count)
        if policy.score(cycle.needs, cycle.nodes, nodes.words.pointer, points.pointer).status == APUS_OK {
            body(UnsafePointer(points.pointer))
        }
    }

    /// A policy answered for all Nodes at once.
    private func refusal(_ cycle: Cycle, _ policy: SchedulerPolicy, _ status: apus_status, _ message: String) -> Failure {
        guard status == APUS_UNSCHEDULABLE || status == APUS_UNRESOLVABLE else { return .error("policy \(policy.name): \(message)") }
        let nodes = cycle.columns.liveCount
        var all: [Int] = []
        if status == APUS_UNSCHEDULABLE { NodeBits.visit(cycle.columns.live.pointer, cycle.columns.live.count) { all.append($0) } }
        return .refused(
            Refusal(
                message: FitMessage.refused(nodes: nodes, message: message), helpedBy: .all, candidates: all, hopeless: nodes - all.count,
                refusers: [policy.name]))
    }

    /// The most points that any Node has. For a ranking with a Node left.
    var most: Int64 { ranks.most }
}

extension Cycle {
    /// Whether a policy has a say in where the Pod may run, and in where it should.
    func filters(_ policy: SchedulerPolicy) -> Bool { policy.hasFilter && profile.asks(policy.name, at: .filter) }
    func scores(_ policy: SchedulerPolicy) -> Bool { policy.hasScore && profile.asks(policy.name, at: .score) }

    /// What a policy's points are multiplied by.
    func weight(of policy: SchedulerPolicy) -> Int64 { Int64(profile.weight(of: policy.name) ?? policy.weight) }
}

// Why not.
extension Ranking {
    /// Runs the filters again, asking why. Each Node counts for the reasons of the first policy that refused it.
    private func explain(_ cycle: Cycle, _ policies: [SchedulerPolicy]) -> Failure {
        window.assign(cycle.columns.live)
        var reasons: [String: Int] = [:]
        var helpedBy: ClusterEvents = []
        var refusers: Set<String> = []
        var hopeless = NodeBits()
        hopeless.assign(noneOf: cycle.columns.count)
        defer { hopeless.free() }
        func ask(_ nodes: NodeBits) -> Failure? {
            for policy in policies where cycle.profile.asks(policy.name, at: .filter) {
                // A plugin may give reasons before or after it clears bits: what was in question when it was called counts.
                let before = NodeBits(copying: nodes)
                defer { before.free() }
                let (status, message) = policy.filter(cycle.needs, cycle.nodes, nodes.words.pointer) { refused, verdict, reason, hints in
                    var count = 0
                    for word in 0..<before.words.count {
                        let meant = before.words[word] & refused[word]
                        count += meant.nonzeroBitCount
                        if verdict == APUS_UNRESOLVABLE { hopeless.words[word] |= meant }
                    }
                    guard count > 0 else { return }
                    reasons[reason, default: 0] += count
                    refusers.insert(policy.name)
                    helpedBy.formUnion(ClusterEvents(hints: hints))
                }
                if status != APUS_OK { return refusal(cycle, policy, status, message) }
            }
            let message = cycle.filterByClaims(nodes) { node, refusal in
                reasons[refusal.reason, default: 0] += 1
                refusers.insert(refusal.plugin)
                helpedBy.formUnion(refusal.helpedBy)
                if refusal.isHopeless { hopeless.insert(node) }
            }
            return message.map(Failure.error)
        }
        if let failure = ask(window) { return failure }
        // What is left would do if it were not for those ahead.
        var alone = NodeBits()
        defer { alone.free() }
        for node in cycle.ahead.keys where window.contains(node) {
            alone.assign(only: node, of: cycle.columns.count)
            if let failure = cycle.withThoseAhead(on: node, { ask(alone) }) { return failure }
        }
        var candidates: [Int] = []
        for word in 0..<cycle.columns.live.count { hopeless.words[word] = cycle.columns.live[word] & ~hopeless.words[word] }
        hopeless.visit { candidates.append($0) }
        let nodes = cycle.columns.liveCount
        return .refused(
            Refusal(
                message: FitMessage.noFit(nodes: nodes, reasons: reasons), helpedBy: reasons.isEmpty ? .all : helpedBy,
                candidates: candidates, hopeless: nodes - candidates.count, refusers: refusers))
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
        alone.assign(only: node, of: cycle.columns.count)
        var reasons: [String] = []
        if let message = cycle.filterByClaims(alone, { reasons.append($1.reason) }) { reasons.append(message) }
        return reasons
    }
}
