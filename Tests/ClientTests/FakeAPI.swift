import APIModel
import Client
import Synchronization

/// An API in memory that fails on demand: lists, watches and leases, no more rules than these tests need.
final class FakeAPI: Client {
    struct State {
        var version = 1
        var objects: [String: Object] = [:]
        /// Everything that happened, with its version.
        var log: [(version: Int, resource: GroupVersionResource, event: WatchEvent)] = []
        var sleepers: [CheckedContinuation<Void, Never>] = []
        /// Watches from before this version have expired.
        var expired = 0
        /// Watches that began before this number end.
        var ended = 0
        var watches = 0
        /// Errors to answer the next requests with.
        var failures: [APIError] = []
        var requests: [String] = []
        /// Answers nothing while it is so.
        var isSilent = false

        mutating func put(_ value: Value, _ resource: GroupVersionResource, _ key: String) -> Object {
            version += 1
            var value = value
            value["metadata"]["resourceVersion"] = .string("\(version)")
            let object = Object(value)
            let before = objects.updateValue(object, forKey: key)
            log.append((version, resource, WatchEvent(kind: before == nil ? .added : .modified, object: object)))
            return object
        }
    }

    let state = Mutex(State())

    func requests(_ verb: String) -> Int { state.withLock { $0.requests.filter { $0.hasPrefix(verb) }.count } }

    /// Puts an object; `owners` are uids.
    func put(
        _ resource: GroupVersionResource, _ namespace: String, _ name: String, uid: String? = nil, owners: [String] = [], text: String = ""
    ) {
        let references = Value.array(owners.map { ["uid": .string($0)] })
        store(
            resource, namespace, name,
            [
                "metadata": [
                    "name": .string(name), "namespace": .string(namespace), "uid": .string(uid ?? name), "ownerReferences": references,
                ], "text": .string(text),
            ])
    }

    func remove(_ resource: GroupVersionResource, _ namespace: String, _ name: String) {
        change { state in
            guard let object = state.objects.removeValue(forKey: "\(resource)/\(namespace)/\(name)") else { return }
            state.version += 1
            var value = object.value
            value["metadata"]["resourceVersion"] = .string("\(state.version)")
            state.log.append((state.version, resource, WatchEvent(kind: .deleted, object: Object(value))))
        }
    }

    /// Watches end; those of older versions cannot begin again.
    func expire() { change { $0.expired = $0.version } }

    func endWatches() { change { $0.ended = $0.watches } }

    func fail(_ errors: [APIError]) { state.withLock { $0.failures += errors } }

    @discardableResult
    func store(_ resource: GroupVersionResource, _ namespace: String, _ name: String, _ value: Value) -> Object {
        change { $0.put(value, resource, "\(resource)/\(namespace)/\(name)") }
    }

    /// The same where `refusal` has nothing against it, given what is there at that moment.
    private func store(
        _ resource: GroupVersionResource, _ namespace: String, _ name: String, _ value: Value, refusal: (Object?) -> APIError?
    ) throws -> Object {
        try change { state -> Result<Object, APIError> in
            let key = "\(resource)/\(namespace)/\(name)"
            if let refusal = refusal(state.objects[key]) { return .failure(refusal) }
            return .success(state.put(value, resource, key))
        }.get()
    }

    private func change<T: Sendable>(_ body: (inout State) -> T) -> T {
        let (result, sleepers) = state.withLock { state in
            let result = body(&state)
            defer { state.sleepers = [] }
            return (result, state.sleepers)
        }
        for sleeper in sleepers { sleeper.resume() }
        return result
    }

    private func request(_ text: String) async throws {
        let failure = state.withLock { state in
            state.requests.append(text)
            return state.failures.isEmpty ? nil : state.failures.removeFirst()
        }
        if let failure { throw failure }
        while state.withLock({ $0.isSilent }) { try await Task.sleep(for: .milliseconds(5)) }
    }

    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        try await request("get \(resource)/\(name)")
        guard let object = state.withLock({ $0.objects["\(resource)/\(namespace ?? "")/\(name)"] }) else {
            throw APIError.notFound(resource.resource, name)
        }
        return object
    }

    func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        try await request("list \(resource)")
        return state.withLock { state in
            ObjectList(items: state.objects.filter { $0.key.hasPrefix("\(resource)/") }.map(\.value), resourceVersion: "\(state.version)")
        }
    }

    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        try await request("watch \(resource)")
        let id = state.withLock { state in
            state.watches += 1
            return state.watches
        }
        let seen = Mutex(Int(options.resourceVersion) ?? 0)
        return WatchStream {
            while true {
                let next: WatchEvent?? = try self.state.withLock { state in
                    let from = seen.withLock { $0 }
                    if from < state.expired { throw APIError(code: 410, reason: .expired, message: "too old resource version: \(from)") }
                    if id <= state.ended { return .some(nil) }
                    guard let entry = state.log.first(where: { $0.version > from && $0.resource == resource }) else { return nil }
                    seen.withLock { $0 = entry.version }
                    return entry.event
                }
                if let next { return next }
                try Task.checkCancellation()
                await self.sleep(id, seen.withLock { $0 }, resource)
            }
        }
    }

    private func sleep(_ id: Int, _ from: Int, _ resource: GroupVersionResource) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { sleeper in
                let mustWait = state.withLock { state in
                    let hasNews =
                        Task.isCancelled || from < state.expired || id <= state.ended
                        || state.log.contains { $0.version > from && $0.resource == resource }
                    if !hasNews { state.sleepers.append(sleeper) }
                    return !hasNews
                }
                if !mustWait { sleeper.resume() }
            }
        } onCancel: {
            change { _ in }
        }
    }

    func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws
        -> Object
    {
        let name = object["metadata"]["name"].string ?? ""
        try await request("create \(resource)/\(name)")
        return try store(resource, namespace ?? "", name, object) { $0 == nil ? nil : APIError.alreadyExists(resource.resource, name) }
    }

    func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws
        -> Object
    {
        try await request("update \(resource)/\(name)")
        return try store(resource, namespace ?? "", name, object) { current in
            current?.resourceVersion == object["metadata"]["resourceVersion"].string
                ? nil : APIError.conflict(resource.resource, name, "it has been modified")
        }
    }

    func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    )
        async throws -> Object
    {
        try await request("patch \(resource)/\(name)")
        guard var value = state.withLock({ $0.objects["\(resource)/\(namespace ?? "")/\(name)"] })?.value else {
            throw APIError.notFound(resource.resource, name)
        }
        for field in ["count", "message", "lastTimestamp"] { value[field] = patch[field] }
        return store(resource, namespace ?? "", name, value)
    }

    func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        try await request("delete \(resource)/\(name)")
        remove(resource, namespace ?? "", name)
        return Object(.emptyObject)
    }

    func deleteCollection(_ resource: GroupVersionResource, namespace: String?, selection: ListOptions, options: Value) async throws
        -> ObjectList
    {
        let found = try await list(resource, namespace: namespace, options: selection)
        for object in found.items { _ = try await delete(resource, namespace: namespace, name: object.name, options: options) }
        return found
    }

    func impersonating(_ user: String, groups: [String]) -> any Client { self }
}
