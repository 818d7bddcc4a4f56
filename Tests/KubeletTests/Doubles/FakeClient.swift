import APIModel
import Client
import Synchronization

/// An API in memory, enough for one kubelet: objects by resource and name, watches of everything, strategic merge patches as the API makes
/// them.
final class FakeClient: Client {
    struct State {
        var objects: [GroupVersionResource: [String: Object]] = [:]
        var revision = 1
        var watchers: [(resource: GroupVersionResource, events: AsyncStream<WatchEvent>.Continuation)] = []
        var statuses: [String: [Value]] = [:]
        /// What writes of a sub-resource are refused with, and how many were.
        var refused: [String: APIError] = [:]
        var refusals = 0
        /// What reviews of a kind are answered.
        var reviews: [GroupVersionResource: @Sendable (Value) -> Value] = [:]
    }
    let state = Mutex(State())

    /// Takes no write of a sub-resource, until `nil` is given.
    func refuse(_ subresource: String, _ error: APIError?) { state.withLock { $0.refused[subresource] = error } }
    var refusals: Int { state.withLock { $0.refusals } }

    private static func key(_ namespace: String?, _ name: String) -> String { "\(namespace ?? "")/\(name)" }

    /// The statuses that a pod was given, in order.
    func statuses(_ name: String) -> [Value] { state.withLock { $0.statuses[name] ?? [] } }
    func object(_ resource: GroupVersionResource, _ namespace: String?, _ name: String) -> Value? {
        state.withLock { $0.objects[resource]?[Self.key(namespace, name)]?.value }
    }

    /// Puts an object in, as someone else would.
    @discardableResult
    func put(_ resource: GroupVersionResource, _ value: Value) -> Object {
        state.withLock { state in
            let key = Self.key(value["metadata"]["namespace"].string, value["metadata"]["name"].string ?? "")
            let isNew = state.objects[resource]?[key] == nil
            return state.store(resource, key, value, isNew ? .added : .modified)
        }
    }

    /// What `kubectl delete` does: the pod is marked, and goes when the kubelet says so.
    func markDeleted(_ name: String, grace: Whole) {
        guard var pod = object(.pods, "default", name) else { return }
        pod["metadata"]["deletionTimestamp"] = .string(Timestamp.now())
        pod["metadata"]["deletionGracePeriodSeconds"] = .int(grace)
        put(.pods, pod)
    }

    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        try find(resource, namespace, name)
    }

    private func find(_ resource: GroupVersionResource, _ namespace: String?, _ name: String) throws -> Object {
        guard let object = state.withLock({ $0.objects[resource]?[Self.key(namespace, name)] }) else {
            throw APIError.notFound(resource.resource, name)
        }
        return object
    }

    func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        state.withLock { state in
            ObjectList(items: Array((state.objects[resource] ?? [:]).values), resourceVersion: String(state.revision))
        }
    }

    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        let (stream, continuation) = AsyncStream<WatchEvent>.makeStream()
        state.withLock { $0.watchers.append((resource, continuation)) }
        let events = Events(stream)
        return WatchStream { await events.next() }
    }

    private actor Events {
        private var iterator: AsyncStream<WatchEvent>.Iterator
        init(_ stream: AsyncStream<WatchEvent>) { iterator = stream.makeAsyncIterator() }
        func next() async -> WatchEvent? {
            var iterator = iterator
            defer { self.iterator = iterator }
            return await iterator.next(isolation: self)
        }
    }

    func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws
        -> Object
    {
        if subresource == "token" { return Object(["status": ["token": "a-token", "expirationTimestamp": "2036-01-02T03:04:05Z"]]) }
        if let review = state.withLock({ $0.reviews[resource] }) { return Object(["status": review(object)]) }
        var object = object
        if object["metadata"]["uid"].isNull { object["metadata"]["uid"] = .string("made-\(state.withLock { $0.revision })") }
        return put(resource, object)
    }

    func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws
        -> Object
    { put(resource, object) }

    func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    )
        async throws -> Object
    {
        try state.withLock { state in
            guard let error = subresource.flatMap({ state.refused[$0] }) else { return }
            state.refusals += 1
            throw error
        }
        let old = try find(resource, namespace, name).value
        if let uid = patch["metadata"]["uid"].string, uid != old["metadata"]["uid"].string {
            throw APIError(code: 409, reason: .conflict, message: "\(name) is another now")
        }
        let schema = Catalogue.builtin.type(named: "io.k8s.api.core.v1.Pod")!
        let new = kind == .merge || resource != .pods ? Patch.merge(old, patch) : try Patch.strategic(old, patch, schema: schema)
        return state.withLock { state in
            if subresource == "status" { state.statuses[name, default: []].append(new["status"]) }
            return state.store(resource, Self.key(namespace, name), new, .modified)
        }
    }

    func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        let object = try find(resource, namespace, name)
        state.withLock { state in
            state.objects[resource]?[Self.key(namespace, name)] = nil
            state.revision += 1
            for watcher in state.watchers where watcher.resource == resource {
                watcher.events.yield(WatchEvent(kind: .deleted, object: object))
            }
        }
        return object
    }

    func deleteCollection(_ resource: GroupVersionResource, namespace: String?, selection: ListOptions, options: Value) async throws
        -> ObjectList
    { throw APIError(code: 405, reason: .methodNotAllowed, message: "a kubelet deletes no collection") }

    func impersonating(_ user: String, groups: [String]) -> any Client { self }
}

extension FakeClient.State {
    mutating func store(_ resource: GroupVersionResource, _ key: String, _ value: Value, _ kind: WatchEvent.Kind) -> Object {
        revision += 1
        var value = value
        value["metadata"]["resourceVersion"] = .string(String(revision))
        let object = Object(value)
        objects[resource, default: [:]][key] = object
        for watcher in watchers where watcher.resource == resource { watcher.events.yield(WatchEvent(kind: kind, object: object)) }
        return object
    }
}
