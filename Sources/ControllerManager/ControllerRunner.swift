internal import APIModel
internal import Client
internal import DequeModule
internal import Logging
internal import PluginHost
internal import Synchronization

/// One controller at work: its queue, what feeds it and its workers.
final class ControllerRunner: Sendable {
    private struct Change: Sendable {
        var resource: GroupVersionResource
        var before: Object?
        var after: Object?
    }

    private let controller: ControllerPlugin
    private let manifest: ControllerManifest
    private let cache: Cache
    private let kinds: any KindSource
    private let quarantine: Quarantine
    private let log: Logger
    private let queue = WorkQueue<ControllerKey>(keepsFigures: true)
    /// What the plugin is to map, in the order in which it happened.
    private let unmapped = Mutex(Deque<Change>())
    private let primaries: Set<GroupVersionResource>
    private let owned: Set<GroupVersionResource>
    private let watches: [GroupVersionResource: [ControllerManifest.Watch]]
    private let watchesOfEverything: [ControllerManifest.Watch]

    init(_ controller: ControllerPlugin, _ services: HostServices, quarantine: Quarantine, log: Logger) {
        self.controller = controller
        manifest = controller.manifest
        cache = services.cache
        kinds = services.kinds
        self.quarantine = quarantine
        self.log = log
        primaries = Set(manifest.for)
        owned = Set(manifest.owns)
        watches = Dictionary(grouping: manifest.watches.filter { $0.resource != nil }, by: { $0.resource! })
        watchesOfEverything = manifest.watches.filter { $0.resource == nil }
    }

    /// What has become of the keys in its queue.
    var figures: QueueFigures { queue.figures ?? QueueFigures() }

    /// Runs until cancelled, unless the cache has ended. Returns after the last `reconcile` did. Plugins are called on threads of `Crew`s alone:
    /// a key goes to its plugin, and an answer to the queue, without the cooperative pool.
    func run() async {
        guard let known = try? await manifest.watch(in: cache, kinds.kinds) else { return }
        // One, so that changes are mapped in the order in which they happened.
        let mappers = controller.crew(limit: 1) { [weak self] in self?.mapOne() ?? false }
        let workers = controller.crew(limit: manifest.workers) { [weak self] in self?.work() ?? false }
        queue.whenReady { [weak workers] in workers?.call() }
        let observation = observe(Array(known), mappers)
        quarantine.observe(.controllerManager) { [weak queue, name = controller.name] key in
            guard key.part == name else { return }
            queue?.add(ControllerKey(resource: key.resource, namespace: key.namespace, name: key.name, uid: key.uid))
        }
        defer { observation.cancel() }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.followKinds(known, mappers) }
            // Until cancelled: nothing ever comes.
            for await _ in AsyncStream<Never>.makeStream().stream {}
        }
        queue.shutDown()
        await mappers.dismiss()
        await workers.dismiss()
    }

    private func observe(_ resources: [GroupVersionResource], _ mappers: Crew) -> Observation {
        cache.observe(resources) { [self] resource, before, after in
            guard let object = after ?? before else { return }
            if primaries.contains(resource), manifest.filter.admits(before, after) { queue.add(KeyMapping.key(resource, object)) }
            let keys = KeyMapping(manifest, kinds.kinds, cache)
            if owned.contains(resource) { keys.keys(.owner(through: nil), resource, before, after).forEach(queue.add) }
            for watch in (watches[resource] ?? []) + watchesOfEverything where admits(watch, before, after, object.namespace) {
                if watch.map == .plugin {
                    unmapped.withLock { $0.append(Change(resource: resource, before: before, after: after)) }
                    mappers.call()
                } else {
                    keys.keys(watch.map, resource, before, after).forEach(queue.add)
                }
            }
        }
    }

    private func admits(_ watch: ControllerManifest.Watch, _ before: Object?, _ after: Object?, _ namespace: String) -> Bool {
        guard watch.filter.admits(before, after) else { return false }
        // One that comes later looks at everything by itself.
        return watch.inNamespacesWith.map { !cache.list($0, namespace: namespace).isEmpty } ?? true
    }

    private func mapOne() -> Bool {
        guard let change = unmapped.withLock({ $0.popFirst() }) else { return false }
        controller.mapHere(resource: change.resource, before: change.before, after: change.after).forEach(queue.add)
        return true
    }

    /// Tells the plugin when kinds come and go, and watches those that came where the manifest wants all.
    private func followKinds(_ known: Set<GroupVersionResource>, _ mappers: Crew) async {
        var known = known
        var observations: [Observation] = []
        defer { for observation in observations { observation.cancel() } }
        await withDiscardingTaskGroup { [cache] group in
            for await _ in kinds.changes() {
                let newest = kinds.kinds
                if manifest.watchesEverything {
                    for resource in newest.ownable where known.insert(resource).inserted {
                        observations.append(observe([resource], mappers))
                        // Nobody waits: a kind that cannot be listed holds up no other.
                        group.addTask { try? await cache.watch(resource) }
                    }
                }
                for key in await controller.mapKinds(newest) { queue.add(key) }
            }
        }
    }

    private func work() -> Bool {
        guard let key = queue.take() else { return false }
        defer { queue.done(key) }
        let isPassedOver = quarantine.holds(
            .controllerManager, part: controller.name, key.resource, namespace: key.namespace, name: key.name,
            cache.get(key.resource, namespace: key.namespace, name: key.name))
        guard !isPassedOver else {
            queue.forget(key)
            return true
        }
        let outcome = InHand.with(
            .controllerManager, part: controller.name, key.resource, namespace: key.namespace, name: key.name, uid: key.uid
        ) { controller.reconcileHere(key) }
        switch outcome {
        case .done(let after):
            queue.forget(key)
            if let after { queue.add(key, after: after) }
        case .retry:
            queue.addRateLimited(key)
        case .failed(let message):
            log.warning(
                "\(controller.name): \(key.resource) \(key.namespace.isEmpty ? "" : "\(key.namespace)/")\(key.name): \(message)")
            queue.addRateLimited(key)
        }
        return true
    }
}
