public import APIModel

/// A client that answers what it implements, and refuses the rest.
public protocol PartialClient: Client {
    /// 503, unless the client says something else.
    var refusal: APIError { get }
}

extension PartialClient {
    public var refusal: APIError { APIError(code: 503, reason: .serviceUnavailable, message: "there is no API here") }

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
    ) async throws -> Object { throw refusal }
    public func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object { throw refusal }
    public func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    ) async throws -> Object { throw refusal }
    public func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        throw refusal
    }
    public func deleteCollection(_ resource: GroupVersionResource, namespace: String?, selection: ListOptions, options: Value) async throws
        -> ObjectList
    { throw refusal }
    public func impersonating(_ user: String, groups: [String]) -> any Client { self }
}
