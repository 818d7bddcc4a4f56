internal import APIModel
internal import PluginKit

/// Where the endpoints of one Service are, and which clients `spec.trafficDistribution` wants for each.
///
/// Rules: upstream `staging/src/k8s.io/endpointslice/trafficdist`. Each Node is looked up once. Cost: the endpoints, and the Nodes they are on.
struct EndpointTopology {
    private let objects: Objects
    /// Whether a client gets an endpoint of its zone, and of its Node before that.
    private let prefersZone: Bool
    private let prefersNode: Bool
    private var nodes: [String: Value?] = [:]

    init(of service: Value, _ objects: Objects) {
        self.objects = objects
        let distribution = Self.isAutomatic(service) ? nil : service["spec"]["trafficDistribution"].string
        prefersNode = distribution == "PreferSameNode"
        prefersZone = prefersNode || distribution == "PreferSameZone" || distribution == "PreferClose"
    }

    /// Whether hints follow the zones' processors, which the distribution has no say in then. The older annotation comes first.
    static func isAutomatic(_ service: Value) -> Bool {
        let annotations = service["metadata"]["annotations"]
        let mode =
            annotations["service.kubernetes.io/topology-aware-hints"].string ?? annotations["service.kubernetes.io/topology-mode"].string
        return mode == "Auto" || mode == "auto"
    }

    /// Adds what is known of the place of an endpoint on `nodeName`; a Node without a zone, or that is not there, has none.
    mutating func place(_ endpoint: inout Value, on nodeName: String) throws {
        let zone = try node(nodeName)?["metadata"]["labels"][NodeLabel.zone].string ?? ""
        if !zone.isEmpty { endpoint["zone"] = .string(zone) }
        guard prefersZone, endpoint["conditions"]["ready"].bool == true else { return }
        var hints: Value = [:]
        if !zone.isEmpty { hints["forZones"] = [["name": .string(zone)]] }
        if prefersNode, !nodeName.isEmpty { hints["forNodes"] = [["name": .string(nodeName)]] }
        if !hints.isEmpty { endpoint["hints"] = hints }
    }

    /// `nil` when there is no such Node.
    mutating func node(_ name: String) throws -> Value? {
        if let known = nodes[name] { return known }
        let node = name.isEmpty ? nil : try objects.get(.nodes, name: name)
        nodes[name] = .some(node)
        return node
    }
}
