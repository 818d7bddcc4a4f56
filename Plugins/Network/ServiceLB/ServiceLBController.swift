public import APIModel
public import PluginKit

/// Gives Services of type LoadBalancer the addresses of the nodes, where the proxy carries their ports; or, with `config.addresses`, each
/// an address of its own from there, of each of its families, which a node answers for (`ServiceLBLinkController`).
///
/// Services with a `loadBalancerClass` are somebody else's. A port of the nodes goes to the Service that was there first; one that comes
/// later has no address until it is free. So it is with addresses when all are taken.
public struct ServiceLBController: Controller {
    public static let settings: Set<String> = ["addresses"]

    private let objects: Objects
    private let ranges: AddressRanges?

    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        ranges = config["addresses"].isNull ? nil : try AddressRanges(config["addresses"])
    }

    public func map(resource: String, before: Value, after: Value) -> [Key] {
        switch resource {
        case GroupVersionResource.nodes.description:
            // Nodes report often, and rarely what matters here.
            guard ranges == nil, NodeAddresses.relevant(before) != NodeAddresses.relevant(after) else { return [] }
            return balancers.keys()
        case GroupVersionResource.services.description:
            // Who waits for what is free now?
            guard LoadBalancer.frees(before, after) else { return [] }
            let all = (try? balancers.all()) ?? []
            return all.filter { $0["status"]["loadBalancer"]["ingress"].elements.isEmpty }.map(Key.init(service:))
        default:
            return Balancers.keys(ofSlice: before, after)
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
        do {
            if try set(try addresses(of: service), on: service) {
                objects.event(service, .normal, reason: "EnsuredLoadBalancer", message: "Ensured load balancer")
            }
        } catch let refusal as AddressRanges.Refusal {
            try set([], on: service)
            objects.event(service, .warning, reason: "SyncLoadBalancerFailed", message: "Error syncing load balancer: \(refusal.reason)")
        }
        return .done
    }

    /// - Throws: `Refusal` where others have what the Service needs.
    private func addresses(of service: Value) throws -> [String] {
        let services = try balancers.all()
        if let ranges { return try ranges.addresses(for: service, among: services).map(\.description) }
        if let conflict = LoadBalancer.conflict(of: service, among: services) { throw AddressRanges.Refusal(conflict) }
        let hosts = try balancers.hosts(of: service)
        let families = ServicePods.families(of: service)
        return NodeAddresses.all(of: try objects.list(.nodes).filter { hosts?.contains($0["metadata"]["name"].string ?? "") ?? true })
            .filter { address in IPAddress(address).map { families.contains($0.family) } ?? false }
    }

    private var balancers: Balancers { Balancers(objects: objects) }

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
