internal import APIModel
internal import Client
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
    private let unmapped: AsyncStream<Change>
    private let map: AsyncStream<Change>.Continuation
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
        (unmapped, map) = AsyncStream.makeStream()
        primaries = Set(manifest.for)
        owned = Set(manifest.owns)
        watches = Dictionary(grouping: manifest.watches.filter { $0.resource != nil }, by: { $0.resource! })
        watchesOfEverything = manifest.watches.filter { $0.resource == nil }
    }

    /// What has become of the keys in its queue.
    var figures: QueueFigures { queue.figures ?? QueueFigures() }

    /// Runs until cancelled, or until the cache ends. Returns after the last `reconcile` did.
    func run() async {
        guard let known = try? await manifest.watch(in: cache, kinds.kinds) else { return }
        let observation = observe(Array(known))
        quarantine.observe(.controllerManager) { [weak queue, name = controller.name] key in
            guard key.part == name else { return }
            queue?.add(ControllerKey(resource: key.resource, namespace: key.namespace, name: key.name, uid: key.uid))
        }
        defer { observation.cancel() }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.mapChanges() }
                group.addTask { await self.followKinds(known) }
                for _ in 0..<manifest.workers { group.addTask { await self.work() } }
            }
        } onCancel: {
            queue.shutDown()
            map.finish()
        }
    }

    private func observe(_ resources: [GroupVersionResource]) -> Observation {
        cache.observe(resources) { [self] resource, before, after in
            guard let object = after ?? before else { return }
            if primaries.contains(resource), manifest.filter.admits(before, after) { queue.add(KeyMapping.key(resource, object)) }
            let keys = KeyMapping(manifest, kinds.kinds, cache)
            if owned.contains(resource) { keys.keys(.owner(through: nil), resource, before, after).forEach(queue.add) }
            for watch in (watches[resource] ?? []) + watchesOfEverything where admits(watch, before, after, object.namespace) {
                if watch.map == .plugin {
                    map.yield(Change(resource: resource, before: before, after: after))
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

    private func mapChanges() async {
        for await change in unmapped {
            for key in await controller.map(resource: change.resource, before: change.before, after: change.after) { queue.add(key) }
        }
    }

    /// Tells the plugin when kinds come and go, and watches those that came where the manifest wants all.
    private func followKinds(_ known: Set<GroupVersionResource>) async {
        var known = known
        var observations: [Observation] = []
        defer { for observation in observations { observation.cancel() } }
        await withDiscardingTaskGroup { [cache] group in
            for await _ in kinds.changes() {
                let newest = kinds.kinds
                if manifest.watchesEverything {
                    for resource in newest.ownable where known.insert(resource).inserted {
                        observations.append(observe([resource]))
                        // Nobody waits: a kind that cannot be listed holds up no other.
                        group.addTask { try? await cache.watch(resource) }
                    }
                }
                for key in await controller.mapKinds(newest) { queue.add(key) }
            }
        }
    }

    private func work() async {
        while let key = await queue.next() {
            defer { queue.done(key) }
            let isPassedOver = quarantine.holds(
                .controllerManager, part: controller.name, key.resource, namespace: key.namespace, name: key.name,
                cache.get(key.resource, namespace: key.namespace, name: key.name))
            guard !isPassedOver else {
                queue.forget(key)
                continue
            }
            let outcome = await InHand.with(
                .controllerManager, part: controller.name, key.resource, namespace: key.namespace, name: key.name, uid: key.uid
            ) { await controller.reconcile(key) }
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
        }
    }
}
