public import APIModel
public import Client

/// What a controller's work queue is fed from.
public struct ControllerManifest: Sendable, Hashable {
    /// The kinds it reconciles: each object is a key.
    public var `for`: [GroupVersionResource]
    /// Which changes of those wake it.
    public var filter = WatchFilter()
    /// Kinds whose objects are keys, too, but only those that the plugin's `map` slot adds.
    public var keys: [GroupVersionResource] = []
    /// Kinds whose objects have one of those as controller: a change puts the owner on the queue.
    public var owns: [GroupVersionResource]
    public var watches: [Watch]
    /// What it asks the shared cache for, beside names and owners.
    public var indexes: [Index]
    /// How many keys it works on at once.
    public var workers: Int
    public var place: Place

    /// Which processes run it. The raw value is the manifest's, under `runsOn`.
    public enum Place: String, Sendable, CaseIterable {
        /// One controller manager, for all of the cluster.
        case cluster = "Cluster"
        /// The process beside each node's proxy: for work in that node's kernel.
        case node = "Node"
    }

    public struct Watch: Sendable, Hashable {
        /// `nil` is every kind that can be listed, watched and deleted.
        public var resource: GroupVersionResource?
        public var map: Mapping
        public var filter: WatchFilter
        /// Of this kind, which is one under `for`, the namespace of the object must have one; `nil` asks for nothing.
        public var inNamespacesWith: GroupVersionResource?

        /// The kind that stands between its objects and their owners.
        var between: GroupVersionResource? {
            if case .owner(through: let between) = map { between } else { nil }
        }
    }

    /// From a watched object to keys.
    public enum Mapping: Sendable, Hashable {
        /// The plugin's `map` slot says.
        case plugin
        /// The object of the first kind under `for` with the same namespace and name.
        case sameName
        /// The object's controller, as under `owns`; or, where that is of the kind given here, that one's controller.
        case owner(through: GroupVersionResource?)
        /// What the garbage collector looks at: the object when its owners or its own deletion changed, the dependents of an object that
        /// goes, the owners of one that went.
        case ownership
        /// The objects of the first kind under `for`, in the same namespace, whose selector at this path matches the object's labels.
        case selector(ObjectPath)
        /// The objects of the first kind under `for` that have the object's name at this path.
        case index(ObjectPath)
        /// The object of the first kind under `for` that the object's own field names, in the same namespace.
        case field(ObjectPath)

        /// The manifest's words.
        enum Name: String, CaseIterable {
            case plugin = "Plugin"
            case sameName = "SameName"
            case owner = "Owner"
            case ownership = "Ownership"
            case selector = "Selector"
            case index = "Index"
            case field = "Field"
        }
    }

    /// Objects of `resource` are found by `by`.
    public struct Index: Sendable, Hashable {
        public var resource: GroupVersionResource
        public var by: CacheIndex
    }

    /// Whether it watches every kind there is.
    public var watchesEverything: Bool { watches.contains { $0.resource == nil } }

    /// Every kind that the manifest names and that the shared cache must hold for this controller, each once.
    public var watched: [GroupVersionResource] {
        var seen: Set<GroupVersionResource> = []
        let all = `for` + keys + owns + watches.flatMap { [$0.resource, $0.between].compactMap { $0 } } + indexes.map(\.resource)
        return all.filter { seen.insert($0).inserted }
    }

    /// Everything that the shared cache must find objects by for this controller: its own indexes, and those that mappings need.
    public var neededIndexes: Set<Index> {
        var needed = Set(indexes)
        for resource in owns { needed.insert(Index(resource: resource, by: .orphans)) }
        if !owns.isEmpty || watches.contains(where: { $0.map == .owner(through: nil) }) {
            for resource in `for` { needed.insert(Index(resource: resource, by: .selector(Self.selector))) }
        }
        for watch in watches {
            guard let first = `for`.first else { continue }
            switch watch.map {
            case .selector(let path): needed.insert(Index(resource: first, by: .selector(path)))
            case .index(let path): needed.insert(Index(resource: first, by: .field(path)))
            case .plugin, .sameName, .owner, .ownership, .field: break
            }
        }
        return needed
    }

    /// Lets `cache` keep the indexes and have all objects that the controller needs. Returns when it has them.
    /// - Returns: all kinds that are watched for it.
    /// - Throws: `CancellationError`.
    public func watch(in cache: Cache, _ kinds: Kinds) async throws -> Set<GroupVersionResource> {
        for index in neededIndexes { cache.add(index.by, to: index.resource) }
        let all = Set(watched + (watchesEverything ? kinds.ownable : []))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for resource in all { group.addTask { try await cache.watch(resource) } }
            try await group.waitForAll()
        }
        return all
    }

    /// Where a controller's selector stands.
    public static let selector = ObjectPath("spec.selector")!
}

extension Kinds {
    /// Every kind that can be owned and deleted, each once. Events are too many, and nobody's dependents.
    public var ownable: [GroupVersionResource] {
        resources.filter { type in
            Set(["list", "watch", "delete"]).isSubset(of: type.verbs) && type.kind != "Event"
                && stored(type).groupVersionResource == type.groupVersionResource
        }.map(\.groupVersionResource)
    }
}
