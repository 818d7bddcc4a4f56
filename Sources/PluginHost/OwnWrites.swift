internal import APIModel
internal import Client
internal import Synchronization

/// What one component wrote and the shared cache may not show yet: its reads wait for that. Safe from any thread.
final class OwnWrites: Sendable {
    /// An object that was deleted, and no answer said in which version.
    struct Gone: Hashable, Sendable {
        var namespace: String?
        var name: String
        var uid: String
    }

    private struct Pending: Sendable {
        /// The newest resourceVersion that was written.
        var version: UInt64 = 0
        var gone: Set<Gone> = []
    }

    private let pending = Mutex<[GroupVersionResource: Pending]>([:])
    /// More deletions than this are looked through for those that the cache shows: who deletes and never reads must not fill memory.
    private static let many = 256

    /// The kinds that may not be up to date.
    var resources: [GroupVersionResource] { pending.withLock { Array($0.keys) } }

    /// The component's write was answered with `object`.
    func note(_ object: Object, of resource: GroupVersionResource) {
        guard let version = UInt64(object.resourceVersion) else { return }
        pending.withLock { $0[resource, default: Pending()].version = max($0[resource]?.version ?? 0, version) }
    }

    /// The component deleted these objects of a kind, and they are gone.
    func note(endOf objects: [Gone], _ resource: GroupVersionResource, _ cache: Cache) {
        let objects = objects.filter { !$0.uid.isEmpty }
        guard !objects.isEmpty else { return }
        pending.withLock { pending in
            var entry = pending[resource] ?? Pending()
            if entry.gone.count >= Self.many {
                entry.gone = entry.gone.filter { cache.get(resource, namespace: $0.namespace, name: $0.name)?.uid == $0.uid }
            }
            entry.gone.formUnion(objects)
            pending[resource] = entry
        }
    }

    /// Returns when the cache, which is watched, has all that was written of the kind before this call. The note stays until then: other
    /// threads of the component wait for it, too.
    /// - Throws: `CancellationError` when the cache ends.
    func wait(for resource: GroupVersionResource, _ cache: Cache) async throws {
        guard let noted = pending.withLock({ $0[resource] }) else { return }
        // What was made and deleted at once is not there before the cache has seen it come.
        try await cache.wait(for: resource, resourceVersion: String(noted.version))
        for gone in noted.gone { try await cache.wait(forEndOf: gone.uid, resource, namespace: gone.namespace, name: gone.name) }
        pending.withLock { pending in
            guard var entry = pending[resource] else { return }
            entry.gone.subtract(noted.gone)
            pending[resource] = entry.version == noted.version && entry.gone.isEmpty ? nil : entry
        }
    }
}
