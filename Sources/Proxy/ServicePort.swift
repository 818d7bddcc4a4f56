internal import APIModel

/// One port of one Service with the endpoints that may get its traffic: what the ABI's `apus_service_port` says, as a value that can be
/// compared.
struct ServicePort: Equatable, Sendable {
    struct Endpoint: Equatable, Sendable {
        var address: String
        var port: UInt32
        var isReady: Bool
        var isServing: Bool
        var isTerminating: Bool
        var isLocal: Bool

        /// The same in every slice of one Service.
        var identity: String { "\(address):\(port)" }
    }

    var namespace: String
    var service: String
    var name: String
    var networkProtocol: String
    var port: UInt32
    var nodePort: UInt32
    var affinitySeconds: UInt32
    var externalLocal: Bool
    var internalLocal: Bool
    var healthCheckNodePort: UInt32
    var clusterIP: String
    var externalIPs: [String]
    /// Of load balancers.
    var balancerAddresses: [String]
    /// Who may come to those, `192.0.2.0/24`; empty means everybody.
    var sourceRanges: [String]
    var endpoints: [Endpoint]

    /// The same for the same Service and port name, whatever else changes.
    var identity: String { "\(namespace)/\(service):\(name)" }
}

extension ServicePort {
    /// The ports that a proxy has to carry for `service`: none for a headless one and for `ExternalName`.
    ///
    /// - Parameters:
    ///   - slices: the Service's EndpointSlices.
    ///   - zone: the node's; empty for a node without one.
    static func ports(of service: Value, slices: [Value], nodeName: String, zone: String = "") -> [ServicePort] {
        let spec = service["spec"]
        guard let clusterIP = spec["clusterIP"].string, !clusterIP.isEmpty, clusterIP != "None", spec["type"].string != "ExternalName"
        else { return [] }
        let affinity =
            spec["sessionAffinity"].string == "ClientIP"
            ? spec[path: "sessionAffinityConfig", "clientIP", "timeoutSeconds"].int ?? 10800 : 0
        // A balancer that is a proxy of its own is not gone past.
        let balancers = service[path: "status", "loadBalancer", "ingress"].elements.filter { $0["ipMode"].string != "Proxy" }
            .compactMap { $0["ip"].string }
        let policies = [spec["externalTrafficPolicy"].string == "Local", spec["internalTrafficPolicy"].string == "Local"]
        return spec["ports"].elements.map { port in
            let name = port["name"].string ?? ""
            return ServicePort(
                namespace: service["metadata"]["namespace"].string ?? "", service: service["metadata"]["name"].string ?? "", name: name,
                networkProtocol: port["protocol"].string ?? "TCP", port: UInt32(port["port"].int ?? 0),
                nodePort: UInt32(port["nodePort"].int ?? 0),
                affinitySeconds: UInt32(affinity), externalLocal: policies[0],
                internalLocal: policies[1],
                healthCheckNodePort: UInt32(spec["healthCheckNodePort"].int ?? 0), clusterIP: clusterIP,
                externalIPs: spec["externalIPs"].elements.compactMap(\.string), balancerAddresses: balancers,
                sourceRanges: spec["loadBalancerSourceRanges"].elements.compactMap(\.string),
                endpoints: endpoints(
                    of: name, in: slices, TopologyHints(nodeName: nodeName, zone: zone), prefersLocal: policies.contains(true)))
        }
    }

    /// Ready endpoints, of those only the ones meant for this node where hints say so; where there are none, those that still serve while
    /// they terminate, as upstream falls back. A policy that wants endpoints of this node looks for both among them alone. Ordered, so that
    /// equal sets compare equal.
    private static func endpoints(of port: String, in slices: [Value], _ hints: TopologyHints, prefersLocal: Bool) -> [Endpoint] {
        var byAddress: [String: Endpoint] = [:]
        var hints = hints
        for slice in slices where slice["addressType"].string == "IPv4" {
            guard let number = slice["ports"].elements.first(where: { ($0["name"].string ?? "") == port })?["port"].int else { continue }
            for endpoint in slice["endpoints"].elements {
                guard let address = endpoint["addresses"].elements.first?.string else { continue }
                let conditions = endpoint["conditions"]
                let isReady = conditions["ready"].bool ?? true
                let made = Endpoint(
                    address: address, port: UInt32(number), isReady: isReady, isServing: conditions["serving"].bool ?? isReady,
                    isTerminating: conditions["terminating"].bool ?? false, isLocal: endpoint["nodeName"].string == hints.nodeName)
                byAddress[made.identity] = made
                if isReady { hints.note(endpoint["hints"], of: made.identity) }
            }
        }
        let all = byAddress.values.sorted { ($0.address, $0.port) < ($1.address, $1.port) }
        let hasReady = all.contains(where: \.isReady)
        let hasReadyHere = all.contains { $0.isReady && $0.isLocal }
        return all.filter { endpoint in
            if endpoint.isReady { return hints.allow(endpoint.identity) || prefersLocal && endpoint.isLocal }
            guard endpoint.isServing, endpoint.isTerminating else { return false }
            return !hasReady || prefersLocal && endpoint.isLocal && !hasReadyHere
        }
    }
}
