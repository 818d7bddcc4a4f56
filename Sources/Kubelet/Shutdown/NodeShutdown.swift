import APIModel
import Synchronization

/// Ends the pods before the machine goes down, and takes no others meanwhile. Safe from any task. Upstream: `kubelet/nodeshutdown`.
final class NodeShutdown: Sendable {
    private let state = Mutex(false)

    /// Whether the machine is about to go down.
    var isUnderWay: Bool { state.withLock { $0 } }

    /// What a node says of itself then.
    static let problem = "node is shutting down"

    var refusal: PodAdmission.Refusal? {
        isUnderWay ? .init(reason: "NodeShutdown", message: "Pod was rejected as the node is shutting down.") : nil
    }

    /// Works until cancelled.
    /// - Parameter changed: called when the node is another than before.
    func run(_ plan: ShutdownPlan, _ source: any ShutdownSource, _ pods: Pods, _ context: Context, changed: @escaping @Sendable () -> Void)
        async
    {
        await source.follow { isGoingDown in
            self.state.withLock { $0 = isGoingDown }
            changed()
            context.events.event(
                aboutNode: context.configuration.nodeName, .normal, "Shutdown",
                "Shutdown manager detected shutdown \(isGoingDown ? "event" : "cancellation")")
            if isGoingDown { await Self.end(pods, plan) }
        }
    }

    private static let eviction = "Pod was terminated in response to imminent node shutdown."
    /// How often is looked whether all are done.
    private static let period = Duration.milliseconds(100)

    private static func end(_ pods: Pods, _ plan: ShutdownPlan) async {
        for index in plan.groups.indices {
            let seconds = plan.groups[index].seconds
            let deadline = ContinuousClock.now + .seconds(Int64(seconds))
            // Asked each time: those of a later group may have come before they were refused.
            var rest: [PodWorker] = []
            for worker in pods.workers() where await plan.index(of: worker.pod) == index { rest.append(worker) }
            let failure = PodFailure(reason: "Terminated", message: eviction, disruption: eviction)
            for worker in rest { await worker.evict(Eviction(failure: failure, grace: seconds, sparesNobody: true)) }
            while !Task.isCancelled, ContinuousClock.now < deadline {
                var left: [PodWorker] = []
                for worker in rest where await !worker.isOver { left.append(worker) }
                rest = left
                if rest.isEmpty { break }
                try? await Task.sleep(for: period)
            }
        }
    }
}
