public import APIModel
public import Logging
import Synchronization

/// The objects of the kinds that the loops of this process watch, kept up to date: one list and one watch per resource, however many use
/// it.
///
/// Objects are shared, never copied: with the in-process client they are the server's own. What is read may lag behind the API by moments.
/// Safe from any task.
public final class Cache: Sendable {
    private struct State {
        var resources: [GroupVersionResource: CachedResource] = [:]
        var isStarted: Set<GroupVersionResource> = []
        var isEnded = false
    }

    private let client: any Client
    private let log: Logger
    private let quarantine: Quarantine
    private let owners = OwnerIndex()
    private let state = Mutex(State())
    /// Reflectors to be started by `run`.
    private let starts: AsyncStream<Reflector>
    private let start: AsyncStream<Reflector>.Continuation

    /// - Parameter quarantine: the objects that observers are not told of.
    public init(client: any Client, quarantine: Quarantine = Quarantine(), log: Logger) {
        self.client = client
        self.quarantine = quarantine
        self.log = log
        (starts, start) = AsyncStream.makeStream()
    }

    /// Starts watching `resource`, if nobody has yet, and returns when the cache has all its objects. Failures of the API are retried, with
    /// growing delays, until it does; of a kind that there is not there are no objects, until it comes.
    ///
    /// The selectors are for a process that needs a part only, such as a kubelet with a cache of its own: whoever asks first decides for
    /// all.
    /// - Throws: `CancellationError`.
    public func watch(_ resource: GroupVersionResource, labelSelector: String = "", fieldSelector: String = "") async throws {
        let cached = cached(resource)
        let isFirst = state.withLock { $0.isStarted.insert(resource).inserted }
        if isFirst {
            start.yield(
                Reflector(
                    client: client, cached: cached, options: ListOptions(labelSelector: labelSelector, fieldSelector: fieldSelector),
                    log: log))
        }
        try await cached.wait()
    }

    /// Returns when the cache of `resource`, which is watched, has everything up to a resourceVersion: what a write answered with can be
    /// read from then on.
    /// - Throws: `CancellationError`.
    public func wait(for resource: GroupVersionResource, resourceVersion: String) async throws {
        try await existing(resource)?.wait(until: .revision(UInt64(resourceVersion) ?? 0))
    }

    /// Returns when the cache of `resource`, which is watched, has no such object any more: for what was deleted, and no answer said in which
    /// version.
    /// - Throws: `CancellationError`.
    public func wait(forEndOf uid: String, _ resource: GroupVersionResource, namespace: String? = nil, name: String) async throws {
        try await existing(resource)?.wait(until: .gone(ObjectName(namespace: namespace ?? "", name: name), uid: uid))
    }

    /// How many objects have been shown to all readers together: what their reading costs, in a measure that no other load changes.
    public var reads: Int { state.withLock { Array($0.resources.values) }.reduce(0) { $0 + $1.reads } }

    /// Whether the cache has had all objects of `resource` at least once.
    public func isSynced(_ resource: GroupVersionResource) -> Bool { existing(resource)?.isSynced ?? false }

    /// `namespace` is `nil` for cluster-scoped kinds.
    public func get(_ resource: GroupVersionResource, namespace: String? = nil, name: String) -> Object? {
        existing(resource)?.get(namespace ?? "", name)
    }

    /// Ordered by namespace, then name. `namespace` of `nil` means all.
    public func list(_ resource: GroupVersionResource, namespace: String? = nil) -> [Object] { existing(resource)?.list(namespace) ?? [] }

    /// Those that `selector` matches. Where it asks for one value of a label that is indexed, only objects with that are looked at.
    public func list(_ resource: GroupVersionResource, namespace: String? = nil, matching selector: LabelSelector) -> [Object] {
        existing(resource)?.list(namespace, matching: selector) ?? []
    }

    /// Those of this name, in one namespace or in all, at the cost of the namespaces.
    public func list(_ resource: GroupVersionResource, namespace: String? = nil, named name: String) -> [Object] {
        existing(resource)?.list(namespace, named: name) ?? []
    }

    /// Keeps `index` of `resource` from now on. It may be called before and after the resource is watched; a second call does nothing.
    public func add(_ index: CacheIndex, to resource: GroupVersionResource) { cached(resource).add(index) }

    /// Those that `index` has for `value`, ordered; `nil` where no such index is kept.
    public func list(_ resource: GroupVersionResource, namespace: String? = nil, where index: CacheIndex, is value: String) -> [Object]? {
        existing(resource)?.list(namespace, index, value)
    }

    /// Those of a namespace (`""` for cluster-scoped kinds) whose selector at `path` matches `labels`; `nil` where no such index is kept.
    public func selecting(_ resource: GroupVersionResource, namespace: String, _ path: ObjectPath, _ labels: [String: String]) -> [Object]?
    {
        existing(resource)?.selecting(namespace, path, labels)
    }

    /// Those of a namespace that nobody controls and that `selector` matches; `nil` where no such index is kept.
    public func orphans(_ resource: GroupVersionResource, namespace: String, matching selector: LabelSelector) -> [Object]? {
        existing(resource)?.orphans(namespace, matching: selector)
    }

    /// The objects, of all kinds that are watched, with an owner reference to `uid`.
    public func dependents(of uid: String) -> [(resource: GroupVersionResource, object: Object)] { owners.dependents(of: uid) }

    /// Calls `handler` for every object there is (`before` is `nil`), then for each change, in order per resource; `after` is `nil` for a
    /// deletion. An object that was replaced by another of its name is seen to go and to come.
    ///
    /// What is there now is told from this call, changes from the reflector's task: `handler` must return quickly, may read the cache, and
    /// must not observe the same resource. It may be called before and after the resource is watched.
    public func observe(
        _ resources: [GroupVersionResource],
        _ handler: @escaping @Sendable (_ resource: GroupVersionResource, _ before: Object?, _ after: Object?) -> Void
    ) -> Observation {
        let observation = Observation(handler)
        for resource in resources { cached(resource).add(observation) }
        return observation
    }

    /// The API has got other kinds: those that are watched and were not there are looked for now, not with the next regular look.
    public func retryUnknownKinds() {
        let all = state.withLock { Array($0.resources.values) }
        for cached in all { cached.hint() }
    }

    /// Does the watching, until the task is cancelled. To be called once; `watch` waits for it. What waits for the cache then, or later,
    /// throws `CancellationError`: nothing more will come, and a loop that is being stopped, too, must not wait for it for ever.
    public func run() async throws {
        quarantine.observe(.cache) { [weak self] key in self?.existing(key.resource)?.tellAgain(key.namespace, key.name) }
        await withDiscardingTaskGroup { group in
            for await reflector in starts { group.addTask { await reflector.run() } }
            // The stream ends with the task.
            group.cancelAll()
        }
        let resources = state.withLock { state in
            state.isEnded = true
            return Array(state.resources.values)
        }
        for cached in resources { cached.end() }
        throw CancellationError()
    }

    private func existing(_ resource: GroupVersionResource) -> CachedResource? { state.withLock { $0.resources[resource] } }

    private func cached(_ resource: GroupVersionResource) -> CachedResource {
        state.withLock { state in
            if let cached = state.resources[resource] { return cached }
            let cached = CachedResource(resource, owners, quarantine)
            if state.isEnded { cached.end() }
            state.resources[resource] = cached
            return cached
        }
    }
}
