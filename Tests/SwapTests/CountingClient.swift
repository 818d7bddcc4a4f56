import APIModel
import Client
import Synchronization

/// The API, with a count of what is bound by the way.
final class CountingClient: Client {
    struct Bindings: Sendable {
        /// The Nodes each Pod was bound to, as the API took them, by Pod.
        var nodes: [String: [String]] = [:]
        /// Bindings that the API refused.
        var refused: [String] = []
    }
    private struct State {
        var bindings = Bindings()
        var waiting: [(count: Int, waiter: CheckedContinuation<Void, Never>)] = []
    }
    private let api: any Client
    private let state = Mutex(State())

    init(_ api: any Client) { self.api = api }

    var bindings: Bindings { state.withLock { $0.bindings } }

    /// Returns when `count` Pods are bound. A wait that takes too long is a failure.
    func waitUntilBound(_ count: Int) async throws {
        try await limited(180, "\(count) Pods to be bound") { [self] in
            await withCheckedContinuation { waiter in
                let isDone = state.withLock { state in
                    if state.bindings.nodes.count < count { state.waiting.append((count, waiter)) }
                    return state.bindings.nodes.count >= count
                }
                if isDone { waiter.resume() }
            }
        } otherwise: { [self] in
            // Whoever waited must not wait for ever.
            for waiting in state.withLock({ state in
                defer { state.waiting = [] }
                return state.waiting
            }) { waiting.waiter.resume() }
            return "\(bindings.nodes.count) are bound, \(bindings.refused)"
        }
    }

    func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws
        -> Object
    {
        guard resource == .pods, subresource == "binding", let name else {
            return try await api.create(resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
        }
        do {
            let answer = try await api.create(
                resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
            let woken = state.withLock { state in
                state.bindings.nodes[name, default: []].append(object["target"]["name"].string ?? "")
                let count = state.bindings.nodes.count
                let woken = state.waiting.filter { $0.count <= count }
                state.waiting.removeAll { $0.count <= count }
                return woken
            }
            for waiting in woken { waiting.waiter.resume() }
            return answer
        } catch {
            state.withLock { $0.bindings.refused.append("\(name): \(error)") }
            throw error
        }
    }

    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        try await api.get(resource, namespace: namespace, name: name, subresource: subresource)
    }
    func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        try await api.list(resource, namespace: namespace, options: options)
    }
    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        try await api.watch(resource, namespace: namespace, options: options)
    }
    func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws
        -> Object
    {
        try await api.update(resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
    }
    func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    )
        async throws -> Object
    {
        try await api.patch(resource, namespace: namespace, name: name, subresource: subresource, kind, patch, options: options)
    }
    @discardableResult
    func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        try await api.delete(resource, namespace: namespace, name: name, options: options)
    }
    func impersonating(_ user: String, groups: [String]) -> any Client { api.impersonating(user, groups: groups) }
}
