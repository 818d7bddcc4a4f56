public import PluginAPI

/// A running scheduler policy. Synchronous: for the scheduler loop's own thread. After the plugin was stopped every call answers CANCELLED.
public final class SchedulerPolicy: Sendable {
    public let name: String
    /// What its points are multiplied by.
    public let weight: Int
    public let hasPrefilter: Bool
    public let hasFilter: Bool
    public let hasScore: Bool
    public let hasExplain: Bool
    /// What its score gives a Node at most.
    public let mostPoints: Int32
    private let component: LoadedComponent
    private let entry: LoadedComponent.Entry

    /// Grows when the plugin lost its state: its process was started again.
    public var incarnation: UInt64 { component.incarnation }

    /// - Parameter entry: `.lease` for one that is used under a lease of its component only, and then is never refused.
    init(_ component: LoadedComponent, _ entry: LoadedComponent.Entry = .gate) {
        self.component = component
        self.entry = entry
        name = component.manifest.name
        weight = component.manifest.weight
        let table = component.table(apus_scheduler_policy.self)
        hasPrefilter = table.prefilter != nil
        hasFilter = table.filter != nil
        hasScore = table.score != nil
        hasExplain = table.explain != nil
        mostPoints = table.most_points == 0 ? PointsGuard.usual : table.most_points
    }

    /// OK where the policy has no such slot. The text is what the plugin wrote into the sink.
    public func prefilter(_ pod: UnsafePointer<apus_pod>) -> (status: apus_status, message: String) {
        guard hasPrefilter else { return (APUS_OK, "") }
        return call(0) { $0.prefilter!($1, pod, $2) }
    }

    /// Clears bits of `feasible`. `reasons` is called, on this thread, with the set of Nodes refused for one reason, the verdict on them,
    /// UNSCHEDULABLE or UNRESOLVABLE, the reason, and the events that may help. A policy that sets a bit which was clear, or gives another verdict, answers FAULT; the bit is clear
    /// again.
    public func filter(
        _ pod: UnsafePointer<apus_pod>, _ nodes: UnsafePointer<apus_nodes>, _ feasible: UnsafeMutablePointer<UInt64>,
        reasons: ((UnsafePointer<UInt64>, apus_status, String, Int32) -> Void)? = nil
    ) -> (status: apus_status, message: String) {
        guard hasFilter else { return (APUS_OK, "") }
        return FeasibleGuard.run(nodes, feasible) {
            guard let reasons else { return call(1) { $0.filter!($1, pod, nodes, feasible, nil, $2) } }
            return withoutActuallyEscaping(reasons) { explain(pod, nodes, feasible, $0) }
        } onGarbage: { node, answer in
            reject(1, "filter set the bit of node \(node), which was clear", answer)
        }
    }

    private func explain(
        _ pod: UnsafePointer<apus_pod>, _ nodes: UnsafePointer<apus_nodes>, _ feasible: UnsafeMutablePointer<UInt64>,
        _ reasons: @escaping (UnsafePointer<UInt64>, apus_status, String, Int32) -> Void
    ) -> (status: apus_status, message: String) {
        var listener = ReasonListener(add: reasons)
        let answer = withUnsafeMutablePointer(to: &listener) { listener in
            var table = apus_reasons(context: UnsafeMutableRawPointer(listener)) { context, nodes, verdict, reason, hints in
                context.unsafelyUnwrapped.assumingMemoryBound(to: ReasonListener.self).pointee.hear(nodes, verdict, reason, hints)
            }
            return call(1) { $0.filter!($1, pod, nodes, feasible, &table, $2) }
        }
        guard let wrong = listener.wrongVerdict else { return answer }
        return reject(1, "filter gave a reason with the verdict \(statusName(wrong)), not UNSCHEDULABLE or UNRESOLVABLE", answer)
    }

    /// Writes points for every Node of `feasible`, on OK only. Points outside 0 to `mostPoints` make it a FAULT.
    public func score(
        _ pod: UnsafePointer<apus_pod>, _ nodes: UnsafePointer<apus_nodes>, _ feasible: UnsafePointer<UInt64>,
        _ points: UnsafeMutablePointer<Int32>
    ) -> (status: apus_status, message: String) {
        guard hasScore else { return (APUS_UNSUPPORTED, "the policy has no score") }
        let answer = call(2) { $0.score!($1, pod, nodes, feasible, points, $2) }
        guard answer.status == APUS_OK, let node = PointsGuard.firstOutside(nodes, feasible, points, most: mostPoints) else {
            return answer
        }
        return reject(2, "score gave node \(NodeName.of(node, nodes)) \(points[node]) points, outside 0 to \(mostPoints)", answer)
    }

    /// Says what the points are made of that `score` gave last: it must have been called with the same. `add` is called, on this thread, with
    /// the name of each part, its weight and its points, one element a Node.
    public func explain(
        _ pod: UnsafePointer<apus_pod>, _ nodes: UnsafePointer<apus_nodes>, _ feasible: UnsafePointer<UInt64>,
        _ add: (String, Int32, UnsafePointer<Int32>) -> Void
    ) -> (status: apus_status, message: String) {
        guard hasExplain else { return (APUS_UNSUPPORTED, "the policy has no explain") }
        return withoutActuallyEscaping(add) { add in
            var listener = PartListener(add: add)
            return withUnsafeMutablePointer(to: &listener) { listener in
                var table = apus_parts(context: UnsafeMutableRawPointer(listener)) { context, name, weight, points in
                    context.unsafelyUnwrapped.assumingMemoryBound(to: PartListener.self).pointee.add(name.string, weight, points)
                }
                return call(3) { $0.explain!($1, pod, nodes, feasible, &table, $2) }
            }
        }
    }

    /// What the policy says to its `apus_parts` goes through here.
    private struct PartListener {
        let add: (String, Int32, UnsafePointer<Int32>) -> Void
    }

    /// What the policy says to its `apus_reasons` goes through here.
    private struct ReasonListener {
        let add: (UnsafePointer<UInt64>, apus_status, String, Int32) -> Void
        private(set) var wrongVerdict: apus_status?

        init(add: @escaping (UnsafePointer<UInt64>, apus_status, String, Int32) -> Void) { self.add = add }

        mutating func hear(_ nodes: UnsafePointer<UInt64>, _ verdict: apus_status, _ reason: apus_borrowed, _ hints: Int32) {
            guard verdict == APUS_UNSCHEDULABLE || verdict == APUS_UNRESOLVABLE else {
                wrongVerdict = verdict
                return
            }
            add(nodes, verdict, reason.string, hints)
        }
    }

    private func call(
        _ slot: Int, _ body: (apus_scheduler_policy, UnsafeMutableRawPointer?, UnsafePointer<apus_sink>) -> apus_status
    ) -> (status: apus_status, message: String) {
        var sentence = Collector()
        let answer = component.call(slot, apus_scheduler_policy.self, entry, into: &sentence, body)
        return (answer.status, answer.problem ?? (sentence.bytes.isEmpty ? "" : sentence.text))
    }

    private func reject(_ slot: Int, _ problem: String, _ answer: (status: apus_status, message: String)) -> (
        status: apus_status, message: String
    ) {
        (component.reject(slot, problem, wasError: answer.status != APUS_OK).status, problem)
    }
}
