public import APIModel
public import PluginKit

/// Deletes the token secrets of ServiceAccounts that are gone. What such a secret has in it, the API server puts there when it is made.
///
/// Rules: upstream `pkg/controller/serviceaccount`.
public struct ServiceAccountTokenController: Controller {
    private static let name = "kubernetes.io/service-account.name"
    private static let uid = "kubernetes.io/service-account.uid"
    private static let type = "kubernetes.io/service-account-token"

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    /// Of a ServiceAccount, there or not.
    public func reconcile(_ key: Key) throws -> Outcome {
        let field = "metadata.annotations['\(Self.name)']"
        let secrets = try objects.list(.secrets, namespace: key.namespace, fields: "\(field)=\(key.name)")
            .filter { $0["type"].string == Self.type }
        let known = try objects.get(.serviceAccounts, namespace: key.namespace, name: key.name)
        guard secrets.contains(where: { !Self.belongs($0, to: known) }) else { return .done }
        // That the account is gone, only the API itself can say.
        let live = try objects.fetch(.serviceAccounts, namespace: key.namespace, name: key.name)
        for secret in secrets where !Self.belongs(secret, to: live) { try objects.remove(.secrets, secret) }
        return .done
    }

    /// Whether the secret is for that account, and not for an earlier one of its name.
    static func belongs(_ secret: Value, to account: Value?) -> Bool {
        guard let account else { return false }
        let uid = secret["metadata"]["annotations"][uid]
        return uid.isEmpty || uid == account["metadata"]["uid"]
    }
}
