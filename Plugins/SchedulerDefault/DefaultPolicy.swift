internal import APIModel
internal import PluginAPI
internal import PluginKit
internal import Synchronization

/// The rules of upstream's default profile. What concerns a Pod and a Node alone is noted in `NodeNotes`, what concerns the Pods around is
/// counted in `Surroundings`: a call looks at what changed, and goes over columns where Nodes are rated against one another.
final class DefaultPolicy: SchedulerPolicy {
    private let state = Mutex(State())

    private final class State: @unchecked Sendable {
        // Sendable because the mutex lets one caller in at a time.
        var profiles = Profiles()
        let surroundings = Surroundings()
        var notebook = NodeNotebook()
        let scoring = Scoring()
        /// What the points of the last `score` are made of.
        var parts: [Scoring.Part] = []
        /// By needs, what answers depended on when `affected` was last asked.
        var standings: [UInt64: PodPlan.Standing] = [:]

        /// More needs than these are not asked about again and again.
        static let most = 10_000

        /// What there is about a Pod, up to date.
        func look(_ pod: PodNeeds, _ nodes: Nodes) -> (profile: Profile, plan: PodPlan) {
            (profiles.profile(of: pod), surroundings.plan(pod, nodes))
        }

        func notes(_ pod: PodNeeds, _ nodes: Nodes, _ profile: Profile) -> NodeNotes {
            notebook.notes(pod, nodes) { NodeJudge($0, pod, nodes, profile) }
        }
    }

    static let slots: PolicySlots = [.filter, .score, .explain, .affected]

    /// A profile's weights may be any: the host sees to it that they have room here.
    static let mostPoints = Int(Int32.max)

    init(_ host: Host, config: Value) {}

    func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) throws {
        try state.withLock { state in
            let (profile, plan) = state.look(pod, nodes)
            let named = profile.has(.nodeAffinity) && pod.raw.pointee.has_required != 0 ? NodeAffinity(pod).named : nil
            if named?.isEmpty == true { throw ComponentError(.unresolvable, "pod affinity terms conflict") }
            var ledger = ReasonLedger(count: nodes.count)
            if let named {
                let wanted = Set(named.compactMap { state.surroundings.node(named: $0, nodes) })
                if reasons != nil { for node in feasible where !wanted.contains(node) { ledger.add(node, .max) { [Checks.notNamed] } } }
                Self.keep(wanted, in: feasible)
            }
            // Notes are of all Nodes: for Pods that name a few they are not worth taking.
            let notes = named == nil ? state.notes(pod, nodes, profile) : nil
            let judge = notes == nil || reasons != nil ? NodeJudge(NodeDemands(pod, nodes), pod, nodes, profile) : nil
            let checks = Checks(pod, nodes, plan, profile, judge, notes)
            guard let reasons else { return checks.filter(feasible) }
            for node in feasible {
                guard let refusal = checks.refusal(of: node) else { continue }
                checks.explain(refusal, node, to: &ledger)
                feasible.remove(node)
            }
            ledger.report(to: reasons)
        }
    }

    func score(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) throws {
        guard let points = points.baseAddress else { return }
        state.withLock { state in
            let (profile, plan) = state.look(pod, nodes)
            let notes = state.notes(pod, nodes, profile)
            state.parts = state.scoring.parts(pod, nodes, plan, profile, notes, feasible)
            Scoring.add(state.parts, feasible, into: points)
        }
    }

    func explain(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ parts: ScoreParts) throws {
        state.withLock { state in
            for part in state.parts { parts.add(part.score.rawValue, weight: part.weight, part.points) }
        }
    }

    func affected(_ pod: PodNeeds, _ nodes: Nodes, _ answers: PolicyAnswers, _ changed: NodeSet) throws {
        state.withLock { state in
            let (profile, plan) = state.look(pod, nodes)
            let notes = state.notes(pod, nodes, profile)
            let serial = pod.raw.pointee.needs_serial
            let now = plan.standing(pod, nodes, profile, notes, generation: state.surroundings.generation)
            let before = serial == 0 ? nil : state.standings[serial]
            if before.map({ now.isSame(as: $0, answers) }) != true { changed.insertAll() }
            if state.standings.count >= State.most { state.standings = [:] }
            state.standings[serial] = now
        }
    }

    /// Clears all other Nodes.
    private static func keep(_ nodes: Set<Int>, in feasible: NodeSet) {
        let kept = nodes.filter { feasible.contains($0) }
        for word in 0..<(feasible.count + 63) >> 6 { feasible.words[word] = 0 }
        for node in kept { feasible.insert(node) }
    }
}
