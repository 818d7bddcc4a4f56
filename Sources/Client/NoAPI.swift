public import APIModel

/// A client that answers what it implements, and refuses the rest with 503.
public protocol PartialClient: Client {}

/// An API that is never there: for plugins that have no business with it.
public struct NoAPI: PartialClient {
    public init() {}
}

extension PartialClient {
    private var refusal: APIError { APIError(code: 503, reason: .serviceUnavailable, message: "there is no API here") }

    public func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        throw refusal
    }
    public func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        throw refusal
    }
    public func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        throw refusal
    }
    public func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    )
        async throws -> Object
    { throw refusal }
    public func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    )
        async throws -> Object
    { throw refusal }
    public func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    ) async throws -> Object { throw refusal }
    public func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        throw refusal
    }
    public func impersonating(_ user: String, groups: [String]) -> any Client { self }
}
