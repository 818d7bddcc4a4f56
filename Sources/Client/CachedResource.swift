import APIModel
import Synchronization

/// The cached objects of one resource and those who observe it. Changed by its reflector only; read by anybody.
final class CachedResource: Sendable {
    /// Objects in the order of their names, one list per namespace (`""` for cluster-scoped kinds).
    fileprivate struct Objects {
        var namespaces: [String: [(name: String, object: Object)]] = [:]
        var isSynced = false
        /// Nothing more will come.
        var isEnded = false
        /// The newest resourceVersion that the list and the watch have told of.
        var revision: UInt64 = 0
        /// Who waits, and for which revision.
        var waiting: [UInt64: (revision: UInt64, waiter: CheckedContinuation<Void, any Error>)] = [:]
        var lastWaiting: UInt64 = 0
    }

    let resource: GroupVersionResource
    private let owners: OwnerIndex
    private let quarantine: Quarantine
    private let objects = Mutex(Objects())
    /// Locked while observers are told, so that a new one gets what is there and then every change, none twice. Taken before `objects`.
    private let observers = Mutex<[Observation]>([])

    init(_ resource: GroupVersionResource, _ owners: OwnerIndex, _ quarantine: Quarantine) {
        self.resource = resource
        self.owners = owners
        self.quarantine = quarantine
    }

    // MARK: Reading

    var isSynced: Bool { objects.withLock(\.isSynced) }

    func get(_ namespace: String, _ name: String) -> Object? { objects.withLock { $0.find(namespace, name) } }

    func list(_ namespace: String?) -> [Object] {
        objects.withLock { objects in
            if let namespace { return objects.namespaces[namespace]?.map(\.object) ?? [] }
            return objects.namespaces.keys.sorted().flatMap { objects.namespaces[$0]?.map(\.object) ?? [] }
        }
    }

    func add(_ observation: Observation) {
        observers.withLock { observers in
            observers.append(observation)
            for object in list(nil) { tell([observation], namespace: object.namespace, name: object.name, nil, object) }
        }
    }

    /// Returns when everything up to `revision` is in the cache; with 0, when it was filled for the first time.
    func wait(until revision: UInt64 = 0) async throws {
        if objects.withLock({ $0.isSynced && $0.revision >= revision }) { return }
        let id = objects.withLock { objects in
            objects.lastWaiting += 1
            return objects.lastWaiting
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
                let result: Result<Void, any Error>? = objects.withLock { objects in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if objects.isSynced, objects.revision >= revision { return .success(()) }
                    if objects.isEnded { return .failure(CancellationError()) }
                    objects.waiting[id] = (revision, waiter)
                    return nil
                }
                if let result { waiter.resume(with: result) }
            }
        } onCancel: {
            objects.withLock { $0.waiting.removeValue(forKey: id) }?.waiter.resume(throwing: CancellationError())
        }
    }

    // MARK: Changing

    /// The object is now so; `nil` is a deletion.
    func apply(namespace: String, name: String, _ after: Object?) {
        observers.withLock { observers in
            observers.removeAll(where: \.isCancelled)
            change(namespace, name, after, observers)
        }
    }

    /// These are now all objects there are, at `revision`.
    func replace(_ list: [Object], revision: UInt64) {
        observers.withLock { observers in
            observers.removeAll(where: \.isCancelled)
            var gone = objects.withLock { objects in Dictionary(uniqueKeysWithValues: objects.namespaces.map { ($0, Set($1.map(\.name))) })
            }
            for object in list {
                let (namespace, name) = (object.namespace, object.name)
                gone[namespace]?.remove(name)
                change(namespace, name, object, observers)
            }
            for (namespace, names) in gone { for name in names { change(namespace, name, nil, observers) } }
        }
        objects.withLock { $0.isSynced = true }
        advance(to: revision)
    }

    /// Everything up to `revision` has been applied.
    func advance(to revision: UInt64) {
        let ready = objects.withLock { objects in
            objects.revision = max(objects.revision, revision)
            let ready = objects.waiting.filter { $0.value.revision <= objects.revision }
            for id in ready.keys { objects.waiting[id] = nil }
            return ready.values.map(\.waiter)
        }
        for waiter in ready { waiter.resume() }
    }

    /// Nothing more will come: whoever waits is told.
    func end() {
        let waiting = objects.withLock { objects in
            objects.isEnded = true
            defer { objects.waiting = [:] }
            return objects.waiting.values.map(\.waiter)
        }
        for waiter in waiting { waiter.resume(throwing: CancellationError()) }
    }

    /// An object that was passed over is not any more.
    func tellAgain(_ namespace: String, _ name: String) {
        observers.withLock { observers in
            if let object = get(namespace, name) { tell(observers, namespace: namespace, name: name, nil, object) }
        }
    }

    private func change(_ namespace: String, _ name: String, _ after: Object?, _ observers: [Observation]) {
        let before = objects.withLock { $0.set(namespace, name, after) }
        guard before != nil || after != nil, before !== after else { return }
        func tell(_ before: Object?, _ after: Object?) { self.tell(observers, namespace: namespace, name: name, before, after) }
        owners.update(resource, before: before, after: after)
        if let before, let after {
            if before.uid != after.uid {
                tell(before, nil)
                tell(nil, after)
            } else if before.resourceVersion != after.resourceVersion {
                tell(before, after)
            }
        } else {
            tell(before, after)
        }
    }

    private func tell(_ observers: [Observation], namespace: String, name: String, _ before: Object?, _ after: Object?) {
        if quarantine.holds(.cache, resource, namespace: namespace, name: name, after) { return }
        InHand.with(.cache, resource, namespace: namespace, name: name) {
            for observation in observers where !observation.isCancelled { observation.handler(resource, before, after) }
        }
    }
}

extension CachedResource.Objects {
    func find(_ namespace: String, _ name: String) -> Object? {
        guard let entries = namespaces[namespace], case let index = Self.position(name, entries), index < entries.count,
            entries[index].name == name
        else { return nil }
        return entries[index].object
    }

    /// Returns what was there.
    mutating func set(_ namespace: String, _ name: String, _ object: Object?) -> Object? {
        let index = Self.position(name, namespaces[namespace] ?? [])
        let before = find(namespace, name)
        switch (before, object) {
        case (nil, nil): break
        case (nil, let object?): namespaces[namespace, default: []].insert((name, object), at: index)
        case (.some, let object?): namespaces[namespace]?[index].object = object
        case (.some, nil):
            namespaces[namespace]?.remove(at: index)
            if namespaces[namespace]?.isEmpty == true { namespaces.removeValue(forKey: namespace) }
        }
        return before
    }

    /// Where `name` is, or would be.
    private static func position(_ name: String, _ entries: [(name: String, object: Object)]) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
