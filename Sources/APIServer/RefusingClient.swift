import APIModel
import Client

/// A client that may do nothing: every call throws the same refusal.
struct RefusingClient: Client {
    let refusal: APIError

    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        throw refusal
    }
    func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList { throw refusal }
    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream { throw refusal }
    func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws
        -> Object
    { throw refusal }
    func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws
        -> Object
    { throw refusal }
    func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    )
        async throws -> Object
    { throw refusal }
    func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object { throw refusal }
    func impersonating(_ user: String, groups: [String]) -> any Client { self }
}
