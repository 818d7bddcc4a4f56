public import APIModel
public import PluginKit

/// Gives Services of type LoadBalancer the addresses of the nodes, where the proxy carries their ports.
///
/// Services with a `loadBalancerClass` are somebody else's. A port of the nodes goes to the Service that was there first; one that comes
/// later has no address until it is free.
public struct ServiceLBController: Controller {
    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let changed = [before, after].filter { !$0.isNull }
        switch resource {
        case GroupVersionResource.nodes.description:
            // Nodes report often, and rarely what matters here.
            guard NodeAddresses.relevant(before) != NodeAddresses.relevant(after) else { return [] }
            return balancers().map(Key.init(service:))
        case GroupVersionResource.services.description:
            // Who waits for a port that is free now?
            guard LoadBalancer.freesPorts(before, after) else { return [] }
            return balancers().filter { $0["status"]["loadBalancer"]["ingress"].elements.isEmpty }.map(Key.init(service:))
        default:
            // Where endpoints are counts under the policy Local alone, and that is seen with the Service at hand.
            return changed.compactMap { slice in
                slice["metadata"]["labels"]["kubernetes.io/service-name"].string.map {
                    Key(
                        resource: GroupVersionResource.services.description, namespace: slice["metadata"]["namespace"].string ?? "",
                        name: $0)
                }
            }
        }
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let service = try objects.get(.services, namespace: key.namespace, name: key.name),
            service["metadata"]["deletionTimestamp"].isNull
        else { return .done }
        guard LoadBalancer.isOurs(service) else {
            // What is no load balancer has no addresses of one; of another's, they are that one's business.
            if service["spec"]["type"].string != "LoadBalancer" { try set([], on: service) }
            return .done
        }
        if let conflict = LoadBalancer.conflict(of: service, among: try objects.list(.services)) {
            try set([], on: service)
            objects.event(service, .warning, reason: "SyncLoadBalancerFailed", message: "Error syncing load balancer: \(conflict)")
            return .done
        }
        let hosts = try hosts(of: service)
        let addresses = NodeAddresses.all(
            of: try objects.list(.nodes).filter { hosts?.contains($0["metadata"]["name"].string ?? "") ?? true })
        if try set(addresses, on: service) {
            objects.event(service, .normal, reason: "EnsuredLoadBalancer", message: "Ensured load balancer")
        }
        return .done
    }

    private func balancers() -> [Value] { ((try? objects.list(.services)) ?? []).filter(LoadBalancer.isOurs) }

    /// The nodes that answer: under the policy Local, those with ready endpoints; `nil` for all.
    private func hosts(of service: Value) throws -> Set<String>? {
        guard service["spec"]["externalTrafficPolicy"].string == "Local" else { return nil }
        let metadata = service["metadata"]
        let slices = try objects.list(
            .endpointSlices, namespace: metadata["namespace"].string ?? "",
            selector: "kubernetes.io/service-name=\(metadata["name"].string ?? "")")
        let ready = slices.flatMap { $0["endpoints"].elements }.filter { $0["conditions"]["ready"].bool ?? true }
        return Set(ready.compactMap { $0["nodeName"].string })
    }

    /// Returns whether the addresses are other than before.
    @discardableResult
    private func set(_ addresses: [String], on service: Value) throws -> Bool {
        let ingress = addresses.map { ["ip": .string($0), "ipMode": "VIP"] as Value }
        guard service["status"]["loadBalancer"]["ingress"].elements != ingress else { return false }
        var changed = service
        changed["status"]["loadBalancer"] = ingress.isEmpty ? .emptyObject : ["ingress": .array(ingress)]
        try objects.updateStatus(.services, changed)
        return true
    }
}

extension Key {
    init(service: Value) {
        let metadata = service["metadata"]
        self.init(
            resource: GroupVersionResource.services.description, namespace: metadata["namespace"].string ?? "",
            name: metadata["name"].string ?? "")
    }
}
