internal import APIModel
internal import Client
internal import Logging
internal import PluginHost

/// One controller at work: its queue, what feeds it and its workers.
struct ControllerRunner: Sendable {
    private struct Change: Sendable {
        var resource: GroupVersionResource
        var before: Object?
        var after: Object?
    }

    private let controller: ControllerPlugin
    private let cache: Cache
    private let quarantine: Quarantine
    private let log: Logger
    private let queue = WorkQueue<ControllerKey>()

    init(_ controller: ControllerPlugin, cache: Cache, quarantine: Quarantine, log: Logger) {
        self.controller = controller
        self.cache = cache
        self.quarantine = quarantine
        self.log = log
    }

    /// Runs until cancelled, or until the cache ends. Returns after the last `reconcile` did.
    func run() async {
        let manifest = controller.manifest
        let watched = manifest.watched
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for resource in watched { group.addTask { try await cache.watch(resource) } }
                try await group.waitForAll()
            }
        } catch { return }
        let (changes, mapping) = AsyncStream.makeStream(of: Change.self)
        let observation = observe(watched, mapping)
        quarantine.observe(.controllerManager) { [weak queue, name = controller.name] key in
            guard key.part == name else { return }
            queue?.add(ControllerKey(resource: key.resource, namespace: key.namespace, name: key.name, uid: key.uid))
        }
        defer { observation.cancel() }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    for await change in changes {
                        for key in await controller.map(resource: change.resource, before: change.before, after: change.after) {
                            queue.add(key)
                        }
                    }
                }
                for _ in 0..<manifest.workers { group.addTask { await work() } }
            }
        } onCancel: {
            queue.shutDown()
            mapping.finish()
        }
    }

    private func observe(_ watched: [GroupVersionResource], _ mapping: AsyncStream<Change>.Continuation) -> Observation {
        let manifest = controller.manifest
        let keys = KeyMapping(manifest, cache: cache)
        let primaries = Set(manifest.for)
        let owned = Set(manifest.owns)
        let watches = Dictionary(grouping: manifest.watches, by: \.resource)
        let queue = queue
        return cache.observe(watched) { resource, before, after in
            guard let object = after ?? before else { return }
            if primaries.contains(resource) { queue.add(KeyMapping.key(resource, object)) }
            if owned.contains(resource) { keys.owners(before, after).forEach(queue.add) }
            for watch in watches[resource] ?? [] {
                switch watch.map {
                case .sameName: keys.sameName(object).forEach(queue.add)
                case .owner: keys.owners(before, after).forEach(queue.add)
                case .ownership: keys.ownership(resource, before, after).forEach(queue.add)
                case .plugin: mapping.yield(Change(resource: resource, before: before, after: after))
                }
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
