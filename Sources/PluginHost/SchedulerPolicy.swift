public import APIModel
internal import Client
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
    public let hasPermit: Bool
    public let hasUnreserve: Bool
    public let hasObserve: Bool
    public let hasAffected: Bool
    public let hasLess: Bool
    public let hasPrebind: Bool
    /// The kinds that it observes.
    public let watches: [PolicyManifest.Watch]
    /// What its score gives a Node at most.
    public let mostPoints: Int32
    private let component: LoadedComponent
    private let entry: LoadedComponent.Entry
    private let threads: ThreadPool

    /// Which instance answers: another one has noted nothing of what this one was told.
    public struct Life: Hashable, Sendable {
        let component: UInt64
        /// Grows when the process was started again.
        let incarnation: UInt64
    }
    public var life: Life { Life(component: component.serial, incarnation: component.incarnation) }

    /// - Parameter entry: `.lease` for one that is used under a lease of its component only, and then is never refused.
    init(_ component: LoadedComponent, _ threads: ThreadPool, _ entry: LoadedComponent.Entry = .gate) {
        self.component = component
        self.threads = threads
        self.entry = entry
        name = component.manifest.name
        weight = component.manifest.weight
        let table = component.table(apus_scheduler_policy.self)
        hasPrefilter = table.prefilter != nil
        hasFilter = table.filter != nil
        hasScore = table.score != nil
        hasExplain = table.explain != nil
        hasPermit = table.permit != nil
        hasUnreserve = table.unreserve != nil
        hasObserve = table.observe != nil
        hasAffected = table.affected != nil
        hasLess = table.less != nil
        hasPrebind = table.prebind != nil
        watches = component.manifest.policy?.watches ?? []
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

    /// Sets the bits of the Nodes about which the policy may give these answers otherwise than when it was last asked this about a Pod with the same `needs_serial`; every
    /// bit where the policy has no such slot.
    public func affected(
        _ pod: UnsafePointer<apus_pod>, _ nodes: UnsafePointer<apus_nodes>, answers: Int32 = APUS_ANSWER_FILTER | APUS_ANSWER_SCORE,
        _ changed: UnsafeMutablePointer<UInt64>
    ) -> (status: apus_status, message: String) {
        guard hasAffected else {
            for word in 0..<(Int(nodes.pointee.count) + 63) / 64 { changed[word] = .max }
            return (APUS_OK, "")
        }
        return call(7) { $0.affected!($1, pod, nodes, answers, changed, $2) }
    }

    /// What `permit` answered.
    public struct Permission {
        public let status: apus_status
        public let message: String
        /// With WAIT, in milliseconds.
        public let timeout: Int64
        public let verdicts: [WaitingVerdict]
    }

    /// No Pod waits for longer, in milliseconds.
    public static let longestWait: Int64 = 15 * 60 * 1000

    /// Whether the Pod may be bound to a Node; OK where the policy has no such slot.
    public func permit(_ pod: UnsafePointer<apus_pod>, _ nodes: UnsafePointer<apus_nodes>, node: Int) -> Permission {
        guard hasPermit else { return Permission(status: APUS_OK, message: "", timeout: 0, verdicts: []) }
        var timeout: Int64 = 0
        var (answer, verdicts) = verdicts(4) { waiting in
            call(4) { $0.permit!($1, pod, nodes, Int32(node), &timeout, waiting, $2) }
        }
        if answer.status == APUS_WAIT, timeout < 0 {
            answer = reject(4, "permit lets a Pod wait for \(timeout) ms", answer)
        }
        return Permission(
            status: answer.status, message: answer.message, timeout: timeout == 0 ? Self.longestWait : min(timeout, Self.longestWait),
            verdicts: verdicts)
    }

    /// A Pod that had a Node has none any more. Returns what the policy says of those that wait for it.
    public func unreserve(uid: String) -> [WaitingVerdict] {
        guard hasUnreserve else { return [] }
        return verdicts(5) { waiting in
            uid.withBorrowed { uid in
                component.call(5, apus_scheduler_policy.self, entry) { table, me in
                    table.unreserve!(me, uid, waiting)
                    return APUS_OK
                }
            }
        }.1
    }

    /// An object that it watches came, changed or went. Returns what the policy says of Pods that wait for it.
    public func observe(_ resource: GroupVersionResource, before: Object?, after: Object?) -> [WaitingVerdict] {
        guard hasObserve else { return [] }
        return verdicts(6) { waiting in
            resource.description.withBorrowed { resource in
                (before?.bytes ?? []).withBorrowed { before in
                    (after?.bytes ?? []).withBorrowed { after in
                        component.call(6, apus_scheduler_policy.self, entry) { table, me in
                            table.observe!(me, resource, before, after, waiting)
                            return APUS_OK
                        }
                    }
                }
            }
        }.1
    }

    /// Whether one Pod is to be tried before another; `nil` where the policy does not say.
    public func less(_ left: QueuedPod, _ right: QueuedPod) -> Bool? {
        guard hasLess else { return nil }
        var isLess: Int32 = 0
        let answer = left.withC { left in right.withC { right in call(8) { $0.less!($1, left, right, &isLess, $2) } } }
        guard answer.status == APUS_OK else { return nil }
        guard isLess == 0 || isLess == 1 else {
            _ = reject(8, "less answered \(isLess), which is neither 0 nor 1", answer)
            return nil
        }
        return isLess == 1
    }

    /// Does what the policy has to do before the Pod is bound to a Node, on a thread of PluginHost's. Takes a lease of its own, so it may be
    /// called after the cycle. Answers UNAVAILABLE when the deadline is over; OK where the policy has no such slot.
    public func prebind(_ pod: QueuedPod, node: String) async -> (status: apus_status, message: String) {
        guard hasPrebind else { return (APUS_OK, "") }
        let limit = component.slots[9].descriptor.limit(replacement: component.manifest.deadline)
        return await threads.run(within: limit, late: (APUS_UNAVAILABLE, "it did not answer within \(limit ?? .zero)")) { [self] in
            InHand.with(.scheduler, .pods, namespace: pod.namespace, name: pod.name, uid: pod.uid) { prebindHere(pod, node: node) }
        }
    }

    /// The same on the caller's thread, which may block; for a policy that has the slot.
    public func prebindHere(_ pod: QueuedPod, node: String) -> (status: apus_status, message: String) {
        pod.withC { pod in
            node.withBorrowed { node in call(9, .gate) { $0.prebind!($1, pod, node, $2) } }
        }
    }

    /// Runs `body`, which calls a slot, with an `apus_waiting`, and returns what was said to it.
    private func verdicts<R>(_ slot: Int, _ body: (UnsafePointer<apus_waiting>) -> R) -> (R, [WaitingVerdict]) {
        var listener = VerdictListener()
        let result = listener.listen(body)
        if listener.isOverLimit {
            _ = component.reject(slot, "\(component.slots[slot].descriptor.name) decided about more than \(VerdictListener.limit) Pods")
        }
        return (result, listener.heard)
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
        _ slot: Int, _ ownEntry: LoadedComponent.Entry? = nil,
        _ body: (apus_scheduler_policy, UnsafeMutableRawPointer?, UnsafePointer<apus_sink>) -> apus_status
    ) -> (status: apus_status, message: String) {
        var sentence = Collector()
        let answer = component.call(slot, apus_scheduler_policy.self, ownEntry ?? entry, into: &sentence, body)
        return (answer.status, answer.problem ?? (sentence.bytes.isEmpty ? "" : sentence.text))
    }

    private func reject(_ slot: Int, _ problem: String, _ answer: (status: apus_status, message: String)) -> (
        status: apus_status, message: String
    ) {
        (component.reject(slot, problem, wasError: answer.status != APUS_OK).status, problem)
    }
}
