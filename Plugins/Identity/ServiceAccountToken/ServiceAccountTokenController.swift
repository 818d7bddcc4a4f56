public import APIModel
public import PluginKit
internal import Synchronization

/// Deletes the token secrets of ServiceAccounts that are gone, and takes those that are deleted off an account's list. What such a secret
/// has in it, the API server puts there.
///
/// Rules: upstream `pkg/controller/serviceaccount`.
public final class ServiceAccountTokenController: Controller {
    private static let name = "kubernetes.io/service-account.name"
    private static let uid = "kubernetes.io/service-account.uid"
    private static let type = "kubernetes.io/service-account-token"

    private let objects: Objects
    /// The token secrets of each account that were deleted. One that an account names and nobody has seen may be no token.
    private let deleted = Mutex<[Key: Set<String>]>([:])

    public init(_ host: Host, config: Value) { objects = host.objects }

    /// Of a token secret that was deleted, its account.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        guard after.isNull, let account = before["metadata"]["annotations"][Self.name].string, !account.isEmpty else { return [] }
        let metadata = before["metadata"]
        let key = Self.key(metadata["namespace"].string ?? "", account)
        deleted.withLock { _ = $0[key, default: []].insert(metadata["name"].string ?? "") }
        return [key]
    }

    private static func key(_ namespace: String, _ name: String) -> Key {
        Key(resource: GroupVersionResource.serviceAccounts.description, namespace: namespace, name: name)
    }

    /// Of a ServiceAccount, there or not.
    public func reconcile(_ key: Key) throws -> Outcome {
        let field = "metadata.annotations['\(Self.name)']"
        let secrets = try objects.list(.secrets, namespace: key.namespace, fields: "\(field)=\(key.name)")
            .filter { $0["type"].string == Self.type }
        let known = try objects.get(.serviceAccounts, namespace: key.namespace, name: key.name)
        try forgetDeleted(Self.key(key.namespace, key.name))
        guard secrets.contains(where: { !Self.belongs($0, to: known) }) else { return .done }
        // That the account is gone, only the API itself can say.
        let live = try objects.fetch(.serviceAccounts, namespace: key.namespace, name: key.name)
        for secret in secrets where !Self.belongs(secret, to: live) { try objects.remove(.secrets, secret) }
        return .done
    }

    private func forgetDeleted(_ key: Key) throws {
        let names = deleted.withLock { $0[key] ?? [] }
        guard !names.isEmpty else { return }
        // As it is now: nobody asks again when the list was longer than it was known to be.
        if let account = try objects.fetch(.serviceAccounts, namespace: key.namespace, name: key.name) {
            let gone = try names.filter { try objects.fetch(.secrets, namespace: key.namespace, name: $0) == nil }
            var changed = account
            changed["secrets"].elements.removeAll { gone.contains($0["name"].string ?? "") }
            if changed["secrets"].elements.count < account["secrets"].elements.count { try objects.update(.serviceAccounts, changed) }
        }
        deleted.withLock { deleted in
            let left = (deleted[key] ?? []).subtracting(names)
            deleted[key] = left.isEmpty ? nil : left
        }
    }

    /// Whether the secret is for that account, and not for an earlier one of its name.
    static func belongs(_ secret: Value, to account: Value?) -> Bool {
        guard let account else { return false }
        let uid = secret["metadata"]["annotations"][uid]
        return uid.isEmpty || uid == account["metadata"]["uid"]
    }
}
