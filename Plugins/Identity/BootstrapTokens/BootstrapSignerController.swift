public import APIModel
public import PluginKit

/// Signs `kube-public/cluster-info` with the bootstrap tokens that are for signing. Rules: upstream `pkg/controller/bootstrap`.
public struct BootstrapSignerController: Controller {
    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func map(resource: String, before: Value, after: Value) -> [Key] {
        [Key(resource: GroupVersionResource.namespaces.description, name: ClusterInfo.namespace)]
    }

    /// Of the namespace that the ConfigMap lies in.
    public func reconcile(_ key: Key) throws -> Outcome {
        guard key.name == ClusterInfo.namespace,
            var map = try objects.get(.configMaps, namespace: ClusterInfo.namespace, name: ClusterInfo.name)
        else { return .done }
        let now = Timestamp.nowSeconds()
        let tokens = try BootstrapToken.all(objects)
        if let signed = ClusterInfo.signed(map["data"], tokens.compactMap { $0.signingKey(now: now) }) {
            map["data"] = signed
            do { try objects.update(.configMaps, map) } catch let error as APIError where error.reason == .notFound {}
        }
        // Nothing changes when a token expires while nobody clears it away.
        let next = tokens.compactMap { $0.secondsLeft(now: now) }.filter { $0 > 0 }.min()
        return next.map { .doneCheckAgain(afterMilliseconds: $0 * 1000) } ?? .done
    }
}
