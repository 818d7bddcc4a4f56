import APIModel
import Client

/// The API, with somebody who hears of each write of a plugin when it is done, and before the plugin does.
struct WitnessedClient: Client {
    var base: any Client
    /// Who acts; empty for the host itself, whom nobody looks at.
    var plugin = ""
    let didWrite: @Sendable (_ plugin: String) -> Void

    private static let prefix = "system:plugin:"

    func impersonating(_ user: String, groups: [String]) -> any Client {
        var other = self
        other.base = base.impersonating(user, groups: groups)
        other.plugin = user.hasPrefix(Self.prefix) ? String(user.dropFirst(Self.prefix.count)) : ""
        return other
    }

    private func witnessed(_ write: () async throws -> Object) async throws -> Object {
        let object = try await write()
        if !plugin.isEmpty { didWrite(plugin) }
        return object
    }

    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        try await base.get(resource, namespace: namespace, name: name, subresource: subresource)
    }

    func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        try await base.list(resource, namespace: namespace, options: options)
    }

    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        try await base.watch(resource, namespace: namespace, options: options)
    }

    func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object {
        try await witnessed {
            try await base.create(resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
        }
    }

    func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object {
        try await witnessed {
            try await base.update(resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
        }
    }

    func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    ) async throws -> Object {
        try await witnessed {
            try await base.patch(
                resource, namespace: namespace, name: name, subresource: subresource, kind, patch, options: options)
        }
    }

    func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        try await witnessed { try await base.delete(resource, namespace: namespace, name: name, options: options) }
    }
}
