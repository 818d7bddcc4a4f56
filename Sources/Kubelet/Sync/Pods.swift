import APIModel
import Client
import Logging
import Synchronization

/// The pods of this node: hands each to a worker of its own, passes on what happens to them, and clears away what belongs to none.
final class Pods: Sendable {
    private let context: Context
    private let state = Mutex(State())

    private struct State {
        var workers: [String: PodWorker] = [:]
        /// The pods that the runtime had something of when the kubelet started, or has by now.
        var isListed = false
    }

    /// What the watch told, in order.
    private enum Change: Sendable {
        case present(Object)
        case gone(Object)
    }

    init(context: Context) { self.context = context }

    /// The pods as they are known here, with the status last told.
    var list: [Pod] { get async { await workers().asyncMap { await $0.pod } } }

    func worker(_ uid: String) -> PodWorker? { state.withLock { $0.workers[uid] } }
    func workers() -> [PodWorker] { state.withLock { Array($0.workers.values) } }

    /// The worker of a pod by name; of two the one that is not going.
    func worker(namespace: String, name: String) async -> PodWorker? {
        var found: PodWorker?
        for worker in workers() {
            let pod = await worker.pod
            guard pod.namespace == namespace, pod.name == name else { continue }
            if !pod.isBeingDeleted { return worker }
            found = worker
        }
        return found
    }

    /// Works until cancelled, and then for as long as `CRI.patience` at most, if a pod is in the middle of something. `subscribed` hears
    /// whenever the runtime behind `runtime` is another.
    func run(_ runtime: any Runtime, services: Cache, subscribed: @escaping @Sendable () -> Void = {}) async throws {
        let own = Cache(client: context.client, quarantine: context.quarantine, log: context.log)
        let (changes, source) = AsyncStream<Change>.makeStream()
        let lifecycle = RuntimeLifecycle(cri: context.cri, log: context.log)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await own.run() }
            group.addTask {
                await runtime.follow { sandbox, container in
                    lifecycle.note(sandbox: sandbox, container: container)
                } subscribed: { isReliable in
                    lifecycle.subscribed(isReliable: isReliable)
                    subscribed()
                }
            }
            group.addTask {
                // Service variables and the pods' first start need the services; without them a container would miss its variables for
                // good.
                try await services.watch(.services)
                try await lifecycle.waitUntilListed()
                let observation = own.observe([.pods]) { _, before, after in
                    if let after { source.yield(.present(after)) } else if let before { source.yield(.gone(before)) }
                }
                defer { observation.cancel() }
                self.context.quarantine.observe(.kubelet) { key in
                    if let object = own.get(.pods, namespace: key.namespace, name: key.name) { source.yield(.present(object)) }
                }
                try await own.watch(.pods, fieldSelector: "spec.nodeName=\(self.context.configuration.nodeName)")
                try await self.takeOverPorts(of: own.list(.pods).map(Pod.init))
                await withTaskCancellationHandler {
                    await self.work(changes, lifecycle)
                } onCancel: {
                    self.tellWhatIsWaitedFor()
                }
            }
            group.addTask {
                await lifecycle.run { uid in
                    if let worker = self.worker(uid) { await worker.changed() }
                }
            }
            group.addTask { await self.clearAway(lifecycle, until: own) }
            group.addTask {
                await self.context.volumes.watches.run { uid in
                    if let worker = self.worker(uid) { await worker.refreshVolumes() }
                }
            }
        }
    }

    /// Ports of the node lead on to the pods that had them when an earlier kubelet ended.
    private func takeOverPorts(of pods: [Pod]) async throws {
        let running = pods.filter { !$0.isTerminal }
        let ports = running.map { ($0.uid, HostPort.all(of: $0, address: $0.status["podIP"].string ?? "")) }
        let hostPorts = context.hostPorts
        hostPorts.seed(Dictionary(ports, uniquingKeysWith: { $1 }))
        do {
            try await context.disk.run { try hostPorts.refresh() }
        } catch let failure as HostPorts.Failure {
            context.log.warning("\(failure)")
        }
    }

    private func tellWhatIsWaitedFor() {
        let busy = workers().compactMap { $0.busy.withLock { $0 } }.sorted()
        guard !busy.isEmpty else { return }
        context.log.notice("stopping: what the runtime does for \(busy.joined(separator: ", ")) gets \(context.cri.patience) to end")
    }

    /// Runs the workers. Returns when cancelled.
    private func work(_ changes: AsyncStream<Change>, _ lifecycle: RuntimeLifecycle) async {
        await withDiscardingTaskGroup { group in
            for await change in changes {
                switch change {
                case .present(let object):
                    if context.quarantine.holds(.kubelet, .pods, object) { continue }
                    let pod = Pod(object)
                    if pod.isMirror { continue }
                    if let worker = worker(pod.uid) {
                        await worker.update(pod)
                        continue
                    }
                    let worker = PodWorker(pod, context: context, isKnownToRuntime: lifecycle.knows(pod.uid))
                    state.withLock { $0.workers[pod.uid] = worker }
                    group.addTask {
                        await worker.run()
                        self.state.withLock { _ = $0.workers.removeValue(forKey: pod.uid) }
                    }
                case .gone(let object):
                    if let worker = worker(object.uid) { await worker.removed() }
                }
            }
            group.cancelAll()
        }
    }

    /// Ends what the runtime runs for pods that the API does not have, and removes directories of pods that are gone. Once all pods are
    /// known, and every now and then.
    private func clearAway(_ lifecycle: RuntimeLifecycle, until pods: Cache) async {
        while !Task.isCancelled {
            if pods.isSynced(.pods) {
                let isWanted: @Sendable (String) -> Bool = { uid in
                    // The worker last: a pod that was taken out of the cache may still be at its end.
                    pods.list(.pods).contains { $0.uid == uid } || self.worker(uid) != nil
                }
                await Orphans(context: context, isWanted: isWanted).clear()
                try? await Task.sleep(for: .seconds(30))
            } else {
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}

extension Sequence where Self: Sendable {
    func asyncMap<T>(_ transform: (Element) async -> T) async -> [T] {
        var result: [T] = []
        for element in self { result.append(await transform(element)) }
        return result
    }
}
