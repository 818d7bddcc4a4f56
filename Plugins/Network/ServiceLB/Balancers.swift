internal import APIModel
internal import PluginKit

/// What is asked of the API about Services of type LoadBalancer.
struct Balancers {
    let objects: Objects

    func all() throws -> [Value] { try objects.list(.services, fields: "spec.type=LoadBalancer").filter(LoadBalancer.isOurs) }

    func keys() -> [Key] { ((try? all()) ?? []).map(Key.init(service:)) }

    /// The nodes that a Service is reached by: under the policy Local those with ready endpoints; `nil` for all.
    func hosts(of service: Value) throws -> Set<String>? {
        guard service["spec"]["externalTrafficPolicy"].string == "Local" else { return nil }
        let metadata = service["metadata"]
        let slices = try objects.list(
            .endpointSlices, namespace: metadata["namespace"].string ?? "",
            selector: "kubernetes.io/service-name=\(metadata["name"].string ?? "")")
        let ready = slices.flatMap { $0["endpoints"].elements }.filter { $0["conditions"]["ready"].bool ?? true }
        return Set(ready.compactMap { $0["nodeName"].string })
    }

    /// The Services that a slice was and is for. Where endpoints are counts under the policy Local alone, and that is seen with the Service
    /// at hand.
    static func keys(ofSlice before: Value, _ after: Value) -> [Key] {
        [before, after].filter { !$0.isNull }.compactMap { slice in
            slice["metadata"]["labels"]["kubernetes.io/service-name"].string.map {
                Key(
                    resource: GroupVersionResource.services.description, namespace: slice["metadata"]["namespace"].string ?? "", name: $0)
            }
        }
    }
}

extension Key {
    init(service: Value) {
        self.init(service, of: GroupVersionResource.services.description)
    }
}
