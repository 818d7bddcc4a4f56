public import APIModel
public import PluginKit

/// Gives every namespace its ServiceAccount `default`, without which no Pod can be made there.
public struct ServiceAccountController: Controller {
    private static let name = "default"

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let namespace = try objects.get(.namespaces, name: key.name), namespace["metadata"]["deletionTimestamp"].isNull else {
            return .done
        }
        guard try objects.get(.serviceAccounts, namespace: key.name, name: Self.name) == nil else { return .done }
        do {
            let account: Value = [
                "apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": .string(Self.name), "namespace": .string(key.name)],
            ]
            try objects.create(.serviceAccounts, namespace: key.name, account)
        } catch let error as APIError where [.alreadyExists, .notFound].contains(error.reason) || error.isOfEndingNamespace {
            // Somebody else was quicker, or the namespace is on its way out.
        }
        return .done
    }
}
