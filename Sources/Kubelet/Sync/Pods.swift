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
        /// Static pods that are to be, by uid, and those among them that wait for one of their name to end, by namespace and name.
        var statics: [String: Pod] = [:]
        var waiting: [String: Pod] = [:]
    }

    /// What the watch told, in order.
    private enum Change: Sendable {
        case present(Object)
        case gone(Object)
        case file(StaticPods.Change)
    }
    /// Set when static pods, or what the API has of them, changed.
    private let mirrorsChanged = Wakeup()

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
        try await context.volumes.csi.load()
        try await context.devices.load()
        try await context.claims.load()
        try await context.cpus.load()
        try await context.memory.load()
        try await takeOverImages()
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
                try await self.watchNode(own)
                try await lifecycle.waitUntilListed()
                let files = self.staticPods
                // Before anybody looks for pods that nobody wants.
                await files?.look { change in self.note(change, source) }
                let observation = own.observe([.pods]) { _, before, after in
                    if let after { source.yield(.present(after)) } else if let before { source.yield(.gone(before)) }
                }
                defer { observation.cancel() }
                self.context.quarantine.observe(.kubelet) { key in
                    if let object = own.get(.pods, namespace: key.namespace, name: key.name) { source.yield(.present(object)) }
                }
                try await own.watch(.pods, fieldSelector: "spec.nodeName=\(self.context.configuration.nodeName)")
                let known = own.list(.pods).map(Pod.init).filter { !$0.isTerminal }
                try await self.takeOverPorts(of: known)
                try await self.takeOverClaims(of: known.filter { $0.wasAdmitted || lifecycle.knows($0.uid) })
                let there = Set(known.map(\.uid)).union(self.state.withLock { $0.statics.keys })
                self.context.devices.keep { there.contains($0) }
                self.context.cpus.keep { there.contains($0) }
                self.context.memory.keep { there.contains($0) }
                await withTaskCancellationHandler {
                    await withDiscardingTaskGroup { group in
                        group.addTask { await files?.run { change in self.note(change, source) } }
                        group.addTask { await self.mirrors(own).run(self.mirrorsChanged) }
                        await self.work(changes, source, lifecycle, own)
                        group.cancelAll()
                    }
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
                let others: [String: any RegistrablePlugin] = [
                    "DevicePlugin": DeviceRegistration(manager: self.context.devices),
                    "DRAPlugin": DRARegistration(drivers: self.context.claims.drivers),
                ]
                await self.context.volumes.csi.run(others: others) { uid in
                    try await Orphans(context: self.context) { self.isWanted($0, own) }.removeVolumes(of: uid)
                } refresh: { uid in
                    if let worker = self.worker(uid) { await worker.refreshVolumes() }
                }
            }
            group.addTask { await self.context.claims.run { self.isWanted($0, own) } }
            group.addTask { await self.moveContainers() }
            group.addTask { await ResourceLister(context: self.context) { await self.list }.run() }
            group.addTask { await self.context.devices.run { uid in self.worker(uid)?.wakeup.set() } }
            group.addTask {
                await self.context.volumes.watches.run { uid in
                    if let worker = self.worker(uid) { await worker.refreshVolumes() }
                }
            }
        }
    }

    /// Without the runtime's word those that were being pulled stay as they are: nobody has them who could not pull them.
    private func takeOverImages() async throws {
        do { try await context.images.takeOver() } catch {
            try Task.checkCancellation()
            context.log.warning("images that were being pulled: \(error)")
        }
    }

    /// Ports of the node lead on to the pods that had them when an earlier kubelet ended.
    private func takeOverPorts(of pods: [Pod]) async throws {
        let ports = pods.map { pod in
            (pod.uid, HostPort.all(of: pod, addresses: pod.status["podIPs"].elements.compactMap { $0["ip"].string }))
        }
        let hostPorts = context.hostPorts
        hostPorts.seed(Dictionary(ports, uniquingKeysWith: { $1 }))
        do {
            try await context.disk.run { try hostPorts.refresh() }
        } catch let failure as HostPorts.Failure {
            context.log.warning("\(failure)")
        }
    }

    /// What an earlier kubelet gave the pods is not given to another before they are looked at.
    private func takeOverClaims(of pods: [Pod]) async throws {
        let (configuration, allocations) = (context.configuration, context.allocations)
        try await context.disk.run {
            for pod in pods {
                let given = ResourceRecord.read(pod.uid, configuration)?.allocated ?? [:]
                allocations.note(Claim(pod.with(resources: given)))
            }
        }
    }

    /// Returns when it is known how the API has this node, if it has.
    private func watchNode(_ cache: Cache) async throws {
        let (node, name) = (context.node, context.configuration.nodeName)
        // The observation is the cache's, which ends with this run.
        let told = NodeEvents(name: name, events: context.events)
        _ = cache.observe([.nodes]) { _, before, after in
            guard let after, after.name == name else { return }
            node.note(after)
            told.changed(before?.value ?? .null, after.value)
        }
        try await cache.watch(.nodes, fieldSelector: "metadata.name=\(name)")
    }

    private func tellWhatIsWaitedFor() {
        let busy = workers().compactMap { $0.busy.withLock { $0 } }.sorted()
        guard !busy.isEmpty else { return }
        context.log.notice("stopping: what the runtime does for \(busy.joined(separator: ", ")) gets \(context.cri.patience) to end")
    }

    /// Keeps containers on the processors they are to have.
    private func moveContainers() async {
        let context = context
        await context.cpus.run(every: context.configuration.cpuReconcilePeriod) {
            var running: [String: (pod: String, container: String)] = [:]
            for worker in self.workers() {
                for container in await worker.runtime.containers where container.state == .running {
                    running[container.id] = (worker.uid, container.name)
                }
            }
            return running
        } move: { id, cpus in
            do {
                try await context.cri.updateContainer(id, linux: ["cpuset_cpus": .string(cpus.description)])
                return true
            } catch {
                // It may have ended; one that runs is looked at again.
                if !Task.isCancelled { context.log.debug("container \(id) stays where it is: \(error)") }
                return false
            }
        }
    }

    // MARK: Static pods

    private var staticPods: StaticPods? {
        let path = context.configuration.staticPodPath
        return path.isEmpty ? nil : StaticPods(directory: path, context: context)
    }

    private func mirrors(_ pods: Cache) -> MirrorPods {
        MirrorPods(
            context: context, wanted: { self.state.withLock { Array($0.statics.values) } },
            known: { pods.list(.pods).filter { $0.value[path: "spec", "nodeName"].string == self.context.configuration.nodeName } })
    }

    private func note(_ change: StaticPods.Change, _ source: AsyncStream<Change>.Continuation) {
        state.withLock { state in
            switch change {
            case .present(let pod): state.statics[pod.uid] = pod
            case .gone(let pod): state.statics[pod.uid] = nil
            }
        }
        source.yield(.file(change))
        mirrorsChanged.set()
    }

    /// A static pod with what the API was last told of it. `nil` while one of its name is there still; it comes again when that is gone.
    private func ready(_ pod: Pod, _ known: Cache) async -> Pod? {
        for worker in workers() {
            let other = await worker.pod
            guard other.isStatic, other.uid != pod.uid, other.namespace == pod.namespace, other.name == pod.name else { continue }
            let isWaiting = state.withLock { state in
                guard state.workers[other.uid] != nil else { return false }
                state.waiting["\(pod.namespace)/\(pod.name)"] = pod
                return true
            }
            if isWaiting { return nil }
        }
        guard let mirror = known.get(.pods, namespace: pod.namespace, name: pod.name).map(Pod.init), mirror.mirrored == pod.uid else {
            return pod
        }
        context.statuses.mirror(of: pod.uid, is: mirror)
        var value = pod.value
        value["status"] = mirror.status
        return Pod(Object(value))
    }

    /// Runs the workers. Returns when cancelled.
    private func work(
        _ changes: AsyncStream<Change>, _ source: AsyncStream<Change>.Continuation, _ lifecycle: RuntimeLifecycle, _ known: Cache
    ) async {
        await withDiscardingTaskGroup { group in
            for await change in changes {
                switch change {
                case .present(let object):
                    if context.quarantine.holds(.kubelet, .pods, object) { continue }
                    let pod = Pod(object)
                    if pod.isMirror {
                        mirrorsChanged.set()
                        continue
                    }
                    if let worker = worker(pod.uid) {
                        await worker.update(pod)
                        continue
                    }
                    start(pod, source, lifecycle, in: &group)
                case .gone(let object):
                    if Pod(object).isMirror { mirrorsChanged.set() }
                    if let worker = worker(object.uid) { await worker.removed() }
                case .file(.present(let pod)):
                    guard worker(pod.uid) == nil, let pod = await ready(pod, known) else { continue }
                    start(pod, source, lifecycle, in: &group)
                case .file(.gone(let pod)):
                    if let worker = worker(pod.uid) { await worker.update(worker.pod.deleted) }
                }
            }
            group.cancelAll()
        }
    }

    private func start(
        _ pod: Pod, _ source: AsyncStream<Change>.Continuation, _ lifecycle: RuntimeLifecycle, in group: inout DiscardingTaskGroup
    ) {
        let worker = PodWorker(pod, context: context, isKnownToRuntime: lifecycle.knows(pod.uid))
        state.withLock { $0.workers[pod.uid] = worker }
        group.addTask {
            await worker.run()
            let next = self.state.withLock { state in
                state.workers[pod.uid] = nil
                // Its file may have changed again meanwhile.
                return state.waiting.removeValue(forKey: "\(pod.namespace)/\(pod.name)").flatMap { state.statics[$0.uid] }
                    ?? (pod.isStatic ? state.statics[pod.uid] : nil)
            }
            if let next { source.yield(.file(.present(next))) }
        }
    }

    /// Whether the API or a worker has a pod of that uid, at this moment, as far as that is known.
    private func isWanted(_ uid: String, _ pods: Cache) -> Bool {
        // The worker last: a pod that was taken out of the cache may still be at its end.
        !pods.isSynced(.pods) || pods.list(.pods).contains { $0.uid == uid }
            || state.withLock { $0.workers[uid] != nil || $0.statics[uid] != nil }
    }

    /// Ends what the runtime runs for pods that the API does not have, and removes directories of pods that are gone. Once all pods are
    /// known, and every now and then.
    private func clearAway(_ lifecycle: RuntimeLifecycle, until pods: Cache) async {
        while !Task.isCancelled {
            if pods.isSynced(.pods) {
                await Orphans(context: context) { self.isWanted($0, pods) }.clear()
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
