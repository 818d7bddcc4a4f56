public import APIModel

/// A client that passes on to another what it does not do itself.
public protocol ForwardingClient: Client {
    var base: any Client { get }

    /// Stands before every write. `send` has the base do it; the default does no more than that.
    func write<Answer: Sendable>(_ write: ForwardedWrite, _ send: () async throws -> Answer) async throws -> Answer
}

/// A write on its way to the base.
public struct ForwardedWrite: Sendable {
    public enum Verb: String, Sendable { case create, update, patch, delete, deletecollection }

    public var verb: Verb
    public var resource: GroupVersionResource
    /// Of the object; of a create without one, what the object itself says. Empty for a collection.
    public var name: String
    public var subresource: String?
    /// What is sent: the object, the patch or the `DeleteOptions`.
    public var body: Value
}

extension ForwardingClient {
    public func write<Answer: Sendable>(_ write: ForwardedWrite, _ send: () async throws -> Answer) async throws -> Answer {
        try await send()
    }

    public func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        try await base.get(resource, namespace: namespace, name: name, subresource: subresource)
    }

    public func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        try await base.list(resource, namespace: namespace, options: options)
    }

    public func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        try await base.watch(resource, namespace: namespace, options: options)
    }

    public func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object {
        let metadata = object["metadata"]
        let known = name ?? metadata["name"].string ?? metadata["generateName"].string ?? ""
        return try await write(ForwardedWrite(verb: .create, resource: resource, name: known, subresource: subresource, body: object)) {
            try await base.create(resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
        }
    }

    public func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object {
        try await write(ForwardedWrite(verb: .update, resource: resource, name: name, subresource: subresource, body: object)) {
            try await base.update(resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
        }
    }

    public func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    ) async throws -> Object {
        try await write(ForwardedWrite(verb: .patch, resource: resource, name: name, subresource: subresource, body: patch)) {
            try await base.patch(resource, namespace: namespace, name: name, subresource: subresource, kind, patch, options: options)
        }
    }

    @discardableResult
    public func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        try await write(ForwardedWrite(verb: .delete, resource: resource, name: name, body: options)) {
            try await base.delete(resource, namespace: namespace, name: name, options: options)
        }
    }

    @discardableResult
    public func deleteCollection(_ resource: GroupVersionResource, namespace: String?, selection: ListOptions, options: Value) async throws
        -> ObjectList
    {
        try await write(ForwardedWrite(verb: .deletecollection, resource: resource, name: "", body: options)) {
            try await base.deleteCollection(resource, namespace: namespace, selection: selection, options: options)
        }
    }

    public func impersonating(_ user: String, groups: [String]) -> any Client { base.impersonating(user, groups: groups) }
}
