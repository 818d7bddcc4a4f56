internal import APIModel
internal import Client
internal import PluginHost
internal import Synchronization

/// Hears of the objects that policies observe, as long as one of them does, and tells the scheduling thread.
final class Observations: Sendable {
    private let cache: Cache
    private let quarantine: Quarantine
    private let inbox: Inbox
    private let observed = Mutex<[GroupVersionResource: Observation]>([:])

    init(_ cache: Cache, _ quarantine: Quarantine, _ inbox: Inbox) {
        (self.cache, self.quarantine, self.inbox) = (cache, quarantine, inbox)
    }

    /// Follows what the policies that run observe, until the task is cancelled, and tells the thread whenever others run.
    func run(_ policies: any PolicySource, _ changes: AsyncStream<Void>) async {
        await withDiscardingTaskGroup { group in
            look(policies, &group)
            // The stream ends with the task.
            for await _ in changes {
                look(policies, &group)
                inbox.put(.policiesChanged)
            }
            group.cancelAll()
        }
        _ = follow([])
    }

    private func look(_ policies: any PolicySource, _ group: inout DiscardingTaskGroup) {
        let wanted = policies.withSchedulerPolicies { policies in
            Set((policies.active + policies.shadows.compactMap(\.candidate)).flatMap(\.watches).map(\.resource))
        }
        for resource in follow(wanted) {
            // It throws when the task is cancelled only; a kind that is not there, or not to be read, is tried again until it is.
            group.addTask { [cache] in try? await cache.watch(resource) }
        }
    }

    /// An object that was passed over and is no more.
    func hear(_ resource: GroupVersionResource, _ object: Object) {
        guard observed.withLock({ $0[resource] != nil }) else { return }
        put(resource, PodKey(object), object)
    }

    /// Returns the kinds that were not observed before.
    private func follow(_ wanted: Set<GroupVersionResource>) -> [GroupVersionResource] {
        let before = Set(observed.withLock { $0.keys })
        for resource in before.subtracting(wanted) {
            observed.withLock { $0.removeValue(forKey: resource) }?.cancel()
            inbox.put(.observedNoMore(resource))
        }
        let new = wanted.subtracting(before)
        for resource in new {
            let observation = cache.observe([resource]) { [self] resource, before, after in
                guard let object = after ?? before else { return }
                put(resource, PodKey(object), after)
            }
            observed.withLock { $0[resource] = observation }
        }
        return Array(new)
    }

    /// What is passed over is as if it had gone.
    private func put(_ resource: GroupVersionResource, _ name: PodKey, _ object: Object?) {
        inbox.put(.observed(resource, name, object.flatMap { quarantine.holds(.scheduler, resource, $0) ? nil : $0 }))
    }
}
