internal import APIModel
internal import PluginAPI
internal import PluginHost

/// A policy's slots, wherever its instance lives. Absent slots are `nil`.
struct PolicySlots: Sendable {
    typealias Reason = (UnsafePointer<UInt64>, apus_status, String) -> Void
    typealias Prefilter = @Sendable (UnsafePointer<apus_pod>) -> Answer
    typealias Filter = @Sendable (UnsafePointer<apus_pod>, UnsafePointer<apus_nodes>, UnsafeMutablePointer<UInt64>, Reason?) -> Answer
    typealias Score =
        @Sendable (UnsafePointer<apus_pod>, UnsafePointer<apus_nodes>, UnsafePointer<UInt64>, UnsafeMutablePointer<Int32>) -> Answer
    /// About the Node of index 0; with the time to wait.
    typealias Permit = @Sendable (UnsafePointer<apus_pod>, UnsafePointer<apus_nodes>) -> (Answer, Int64)
    /// Returns the uids of those that were decided about.
    typealias Unreserve = @Sendable (String) -> [String]
    typealias Observe = @Sendable (_ resource: String, _ before: String, _ after: String) -> [String]
    /// Of two Pods; with what was answered in the number.
    typealias Less = @Sendable (QueueSample, QueueSample) -> (Answer, Int32)
    typealias Prebind = @Sendable (QueueSample, _ node: String) -> Answer
    private(set) var less: Less?
    private(set) var prebind: Prebind?
    private(set) var permit: Permit?
    private(set) var unreserve: Unreserve?
    private(set) var observe: Observe?
    private(set) var prefilter: Prefilter?
    private(set) var filter: Filter?
    private(set) var score: Score?
    /// What `score` gives a Node at most.
    let mostPoints: Int32
    /// Whether the instance lives in a process of its own.
    private(set) var isIsolated = false

    /// The library's own functions.
    init(_ instance: DirectInstance) {
        let table = instance.table(apus_scheduler_policy.self)
        mostPoints = table.most_points == 0 ? 100 : table.most_points
        if let slot = table.prefilter { prefilter = { pod in Sentence.collect { slot(instance.me, pod, $0) } } }
        if let slot = table.filter {
            filter = { pod, nodes, feasible, reasons in
                guard let reasons else { return Sentence.collect { slot(instance.me, pod, nodes, feasible, nil, $0) } }
                return withUnsafePointer(to: reasons) { reasons in
                    var table = apus_reasons(
                        size: UInt32(MemoryLayout<apus_reasons>.size), context: UnsafeMutableRawPointer(mutating: reasons)
                    ) { context, nodes, verdict, reason, _ in
                        context.unsafelyUnwrapped.assumingMemoryBound(to: Reason.self).pointee(nodes, verdict, reason.string)
                    }
                    return Sentence.collect { slot(instance.me, pod, nodes, feasible, &table, $0) }
                }
            }
        }
        if let slot = table.score {
            score = { pod, nodes, feasible, points in Sentence.collect { slot(instance.me, pod, nodes, feasible, points, $0) } }
        }
        if let slot = table.permit {
            permit = { pod, nodes in
                var timeout: Int64 = 0
                let heard = HeardVerdicts()
                let answer = heard.lend { waiting in Sentence.collect { slot(instance.me, pod, nodes, 0, &timeout, waiting, $0) } }
                return (answer, timeout)
            }
        }
        if let slot = table.less {
            less = { left, right in
                var isLess: Int32 = 0
                let answer = left.lend { left in right.lend { right in Sentence.collect { slot(instance.me, left, right, &isLess, $0) } } }
                return (answer, isLess)
            }
        }
        if let slot = table.prebind {
            prebind = { pod, node in
                pod.lend { pod in
                    Array(node.utf8).withBorrowed { node in Sentence.collect { slot(instance.me, pod, node, $0) } }
                }
            }
        }
        if let slot = table.unreserve {
            unreserve = { uid in
                let heard = HeardVerdicts()
                Array(uid.utf8).withBorrowed { uid in heard.lend { slot(instance.me, uid, $0) } }
                return heard.uids
            }
        }
        if let slot = table.observe {
            observe = { resource, before, after in
                let heard = HeardVerdicts()
                Array(resource.utf8).withBorrowed { resource in
                    Array(before.utf8).withBorrowed { before in
                        Array(after.utf8).withBorrowed { after in heard.lend { slot(instance.me, resource, before, after, $0) } }
                    }
                }
                return heard.uids
            }
        }
    }

    /// A policy that a host keeps in a process of its own.
    init(_ policy: SchedulerPolicy) {
        isIsolated = true
        mostPoints = policy.mostPoints
        if policy.hasPrefilter { prefilter = { Self.answer(policy.prefilter($0)) } }
        if policy.hasFilter {
            filter = { pod, nodes, feasible, reasons in
                Self.answer(
                    policy.filter(
                        pod, nodes, feasible, reasons: reasons.map { add in { nodes, verdict, reason, _ in add(nodes, verdict, reason) } }))
            }
        }
        if policy.hasScore { score = { Self.answer(policy.score($0, $1, $2, $3)) } }
        if policy.hasPermit {
            permit = { pod, nodes in
                let permission = policy.permit(pod, nodes, node: 0)
                return (Self.answer((permission.status, permission.message)), permission.timeout)
            }
        }
        if policy.hasObserve {
            observe = { resource, before, after in
                guard let resource = GroupVersionResource(resource) else { return [] }
                func object(_ text: String) -> Object? { (try? JSON.decode(Array(text.utf8))).map { Object($0) } }
                return policy.observe(resource, before: object(before), after: object(after)).map(\.uid)
            }
        }
        if policy.hasLess {
            less = { left, right in
                guard let isLess = policy.less(left.pod, right.pod) else {
                    return (Self.answer((APUS_FAULT, "in a process of its own it does not say")), 0)
                }
                return (Self.answer((APUS_OK, "")), isLess ? 1 : 0)
            }
        }
        if policy.hasPrebind { prebind = { Self.answer(policy.prebindHere($0.pod, node: $1)) } }
        if policy.hasUnreserve { unreserve = { policy.unreserve(uid: $0).map(\.uid) } }
    }

    /// What a library says to an `apus_waiting`.
    private final class HeardVerdicts {
        private(set) var uids: [String] = []

        func lend<R>(_ body: (UnsafePointer<apus_waiting>) -> R) -> R {
            var table = apus_waiting(
                size: UInt32(MemoryLayout<apus_waiting>.size), context: Unmanaged.passUnretained(self).toOpaque(),
                allow: { HeardVerdicts.hear($0, $1) }, reject: { context, uid, _ in HeardVerdicts.hear(context, uid) })
            return withExtendedLifetime(self) { body(&table) }
        }

        private static func hear(_ context: UnsafeMutableRawPointer?, _ uid: apus_borrowed) {
            Unmanaged<HeardVerdicts>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue().uids.append(uid.string)
        }
    }

    private static func answer(_ result: (status: apus_status, message: String)) -> Answer {
        Answer(status: result.status, bytes: Array(result.message.utf8))
    }

    /// Runs `body`, which may block, with the plugin started; for one that is to be isolated, in a process of its own afterwards, too: what
    /// the library itself answers can be seen here only, since a host mends and refuses what it gets from there.
    static func with(_ plugin: PluginUnderTest, _ body: @escaping @Sendable (PolicySlots) throws -> Void) async throws {
        try await onOwnThread {
            let instance = try DirectInstance(plugin)
            let answer = instance.start()
            let result = Result {
                guard answer.status == APUS_OK else { throw Failure("start answered \(answer.description)") }
                try body(PolicySlots(instance))
            }
            instance.stop()
            instance.destroy()
            try result.get()
        }
        guard plugin.isIsolated else { return }
        try await Hosted.run(plugin, services: .withoutAPI) { host in
            guard let policy = host.schedulerPolicies.first else {
                throw Failure("the host does not run it: \(host.plugins.first?.reason ?? "")")
            }
            try await onOwnThread { try body(PolicySlots(policy)) }
        }
    }
}
