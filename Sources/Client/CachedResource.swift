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
        /// Who waits, and for what.
        var waiting: [UInt64: (goal: Goal, waiter: CheckedContinuation<Void, any Error>)] = [:]
        var lastWaiting: UInt64 = 0
        var indexes: [CacheIndex: IndexEntries] = [:]
        /// How often the API is said to have got kinds, and the reflector that waits for that.
        var hints = 0
        var waitingForKind: AsyncStream<Void>.Continuation?
    }

    /// What the cache can be waited for.
    enum Goal {
        /// Everything up to this; 0 is the first list.
        case revision(UInt64)
        /// That the object of this name, if there is one, is another than this.
        case gone(ObjectName, uid: String)
    }

    let resource: GroupVersionResource
    private let owners: OwnerIndex
    private let quarantine: Quarantine
    private let objects = Mutex(Objects())
    private let shown = Atomic(0)
    /// Locked while observers are told, so that a new one gets what is there and then every change, none twice. Taken before `objects`.
    private let observers = Mutex<[Observation]>([])

    init(_ resource: GroupVersionResource, _ owners: OwnerIndex, _ quarantine: Quarantine) {
        self.resource = resource
        self.owners = owners
        self.quarantine = quarantine
    }

    // MARK: Reading

    var isSynced: Bool { objects.withLock(\.isSynced) }

    /// How many objects have been shown to readers.
    var reads: Int { shown.load(ordering: .relaxed) }

    private func counted(_ objects: [Object]) -> [Object] {
        shown.wrappingAdd(objects.count, ordering: .relaxed)
        return objects
    }

    func get(_ namespace: String, _ name: String) -> Object? {
        shown.wrappingAdd(1, ordering: .relaxed)
        return objects.withLock { $0.find(namespace, name) }
    }

    func list(_ namespace: String?) -> [Object] {
        let all = objects.withLock { objects in
            if let namespace { return objects.namespaces[namespace]?.map(\.object) ?? [] }
            return objects.namespaces.keys.sorted().flatMap { objects.namespaces[$0]?.map(\.object) ?? [] }
        }
        return counted(all)
    }

    func list(_ namespace: String?, named name: String) -> [Object] {
        let found = objects.withLock { objects in
            (namespace.map { [$0] } ?? objects.namespaces.keys.sorted()).compactMap { objects.find($0, name) }
        }
        return counted(found)
    }

    /// Keeps an index from now on; a second call does nothing.
    func add(_ index: CacheIndex) {
        objects.withLock { objects in
            guard objects.indexes[index] == nil else { return }
            var entries = IndexEntries(index, of: resource)
            for (namespace, list) in objects.namespaces {
                for (name, object) in list { entries.update(ObjectName(namespace: namespace, name: name), before: nil, after: object) }
            }
            objects.indexes[index] = entries
        }
    }

    /// The objects that `index`, which must be kept, has for `value`.
    func list(_ namespace: String?, _ index: CacheIndex, _ value: String) -> [Object]? {
        objects.withLock { objects in objects.indexes[index].map { objects.find($0[value], namespace) } }.map(counted)
    }

    func list(_ namespace: String?, matching selector: LabelSelector) -> [Object] {
        if selector.isEmpty { return list(namespace) }
        return (labelled(namespace, selector.equalities) ?? list(namespace)).filter { selector.matches(labelsOf: $0.value) }
    }

    /// Objects among which all are that have `labels`; `nil` where no index tells.
    private func labelled(_ namespace: String?, _ labels: [(key: String, value: String)]) -> [Object]? {
        let found: [Object]? = objects.withLock { objects in
            for label in labels {
                if let index = objects.indexes[.label(label.key)] { return objects.find(index[label.value], namespace) }
            }
            guard let namespace, let found = objects.indexes[.labels]?.labelled(namespace, labels) else { return nil }
            return objects.find(found, namespace)
        }
        return found.map(counted)
    }

    /// The objects of a namespace whose selector at `path`, which must be indexed, matches `labels`.
    func selecting(_ namespace: String, _ path: ObjectPath, _ labels: [String: String]) -> [Object]? {
        objects.withLock { objects in
            objects.indexes[.selector(path)].map { objects.find(Set($0.selecting(namespace, labels)), namespace) }
        }.map(counted)
    }

    /// The objects of a namespace that nobody controls and that `selector` matches. Orphans must be indexed.
    func orphans(_ namespace: String, matching selector: LabelSelector) -> [Object]? {
        let found = objects.withLock { objects in
            objects.indexes[.orphans].map { objects.find($0.orphans(namespace, selector), namespace) }
        }
        return found.map(counted)?.filter { selector.matches(labelsOf: $0.value) }
    }

    func add(_ observation: Observation) {
        observers.withLock { observers in
            observers.append(observation)
            for object in list(nil) { tell([observation], namespace: object.namespace, name: object.name, nil, object) }
        }
    }

    /// Returns when the cache has what is waited for.
    func wait(until goal: Goal = .revision(0)) async throws {
        if objects.withLock({ $0.has(goal) }) { return }
        let id = objects.withLock { objects in
            objects.lastWaiting += 1
            return objects.lastWaiting
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
                let result: Result<Void, any Error>? = objects.withLock { objects in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if objects.has(goal) { return .success(()) }
                    if objects.isEnded { return .failure(CancellationError()) }
                    objects.waiting[id] = (goal, waiter)
                    return nil
                }
                if let result { waiter.resume(with: result) }
            }
        } onCancel: {
            objects.withLock { $0.waiting.removeValue(forKey: id) }?.waiter.resume(throwing: CancellationError())
        }
    }

    // MARK: A kind that there is not

    /// To be asked before looking for the kind.
    var lastHint: Int { objects.withLock(\.hints) }

    /// Returns when the API may have got the kind since `hint` was read, when the time is over, or when the task is cancelled.
    func waitForKind(after hint: Int, atMost limit: Duration) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let isLate = objects.withLock { objects in
            objects.waitingForKind = continuation
            return objects.hints != hint
        }
        guard !isLate else { return }
        Alarm.shared.set(.now + limit) { continuation.finish() }
        for await _ in stream {}
    }

    /// The API has got kinds; this may be one of them.
    func hint() {
        objects.withLock { objects in
            objects.hints += 1
            defer { objects.waitingForKind = nil }
            return objects.waitingForKind
        }?.finish()
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
            let ready = objects.waiting.filter { objects.has($0.value.goal) }
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
        let (before, ready) = objects.withLock { objects in
            let before = objects.set(namespace, name, after)
            return (before, objects.takeWaiting(for: ObjectName(namespace: namespace, name: name)))
        }
        for waiter in ready { waiter.resume() }
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
    func has(_ goal: CachedResource.Goal) -> Bool {
        switch goal {
        case .revision(let wanted): isSynced && revision >= wanted
        case .gone(let name, let uid): find(name.namespace, name.name)?.uid != uid
        }
    }

    /// Objects by name, ordered; those of one namespace, or of all.
    func find(_ names: Set<ObjectName>, _ namespace: String?) -> [Object] {
        let wanted = namespace.map { namespace in names.filter { $0.namespace == namespace } } ?? names
        return wanted.sorted().compactMap { find($0.namespace, $0.name) }
    }

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
        // `values.indices` would hold a second reference, and each change would copy every index.
        var position = indexes.startIndex
        while position != indexes.endIndex {
            indexes.values[position].update(ObjectName(namespace: namespace, name: name), before: before, after: object)
            indexes.formIndex(after: &position)
        }
        return before
    }

    /// Who waits for the object of this name to go, and need not any more.
    mutating func takeWaiting(for name: ObjectName) -> [CheckedContinuation<Void, any Error>] {
        guard !waiting.isEmpty else { return [] }
        let ready = waiting.filter { if case .gone(name, _) = $0.value.goal { has($0.value.goal) } else { false } }
        for id in ready.keys { waiting[id] = nil }
        return ready.values.map(\.waiter)
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
