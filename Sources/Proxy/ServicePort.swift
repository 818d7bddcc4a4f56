internal import APIModel

/// One port of one Service in one family, with the endpoints that may get its traffic: what the ABI's `apus_service_port` says, as a value that
/// can be compared.
struct ServicePort: Equatable, Sendable {
    struct Endpoint: Equatable, Sendable {
        var address: IPAddress
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
    /// Of all its addresses.
    var family: IPFamily
    var networkProtocol: String
    var port: UInt32
    var nodePort: UInt32
    var affinitySeconds: UInt32
    var externalLocal: Bool
    var internalLocal: Bool
    var healthCheckNodePort: UInt32
    var clusterIP: IPAddress
    var externalIPs: [IPAddress]
    /// Of load balancers.
    var balancerAddresses: [IPAddress]
    /// Who may come to those; empty means everybody.
    var sourceRanges: [IPNetwork]
    var endpoints: [Endpoint]

    /// The same for the same Service, port name and family, whatever else changes.
    var identity: String { "\(namespace)/\(service):\(name)\(family == .ipv6 ? ":6" : "")" }
}

extension ServicePort {
    /// The ports that a proxy has to carry for `service`, of each family that it has a ClusterIP of: none for a headless one and for
    /// `ExternalName`.
    ///
    /// - Parameters:
    ///   - slices: the Service's EndpointSlices.
    ///   - zone: the node's; empty for a node without one.
    static func ports(of service: Value, slices: [Value], nodeName: String, zone: String = "") -> [ServicePort] {
        let spec = service["spec"]
        guard spec["type"].string != "ExternalName" else { return [] }
        let given = spec["clusterIPs"].elements.isEmpty ? [spec["clusterIP"]] : spec["clusterIPs"].elements
        let clusterIPs = given.compactMap { $0.string.flatMap { IPAddress($0) } }
        return clusterIPs.flatMap { ports(of: service, at: $0, slices: slices, nodeName: nodeName, zone: zone) }
    }

    /// Of addresses that the Service has beside `clusterIP`, those of the same family count.
    private static func ports(of service: Value, at clusterIP: IPAddress, slices: [Value], nodeName: String, zone: String)
        -> [ServicePort]
    {
        let (spec, family) = (service["spec"], clusterIP.family)
        func addresses(_ list: some Sequence<Value>) -> [IPAddress] {
            list.compactMap { $0.string.flatMap { IPAddress($0) } }.filter { $0.family == family }
        }
        // Spaces around a network are let through by the API.
        let sources = spec["loadBalancerSourceRanges"].elements.compactMap { range in
            range.string?.split(separator: " ").first.flatMap { IPNetwork(String($0)) }
        }.filter { $0.family == family }
        let affinity =
            spec["sessionAffinity"].string == "ClientIP"
            ? spec[path: "sessionAffinityConfig", "clientIP", "timeoutSeconds"].int ?? 10800 : 0
        // A balancer that is a proxy of its own is not gone past.
        let balancers = service[path: "status", "loadBalancer", "ingress"].elements.filter { $0["ipMode"].string != "Proxy" }
        let slices = slices.filter { $0["addressType"].string == family.rawValue }
        let policies = [spec["externalTrafficPolicy"].string == "Local", spec["internalTrafficPolicy"].string == "Local"]
        return spec["ports"].elements.map { port in
            let name = port["name"].string ?? ""
            return ServicePort(
                namespace: service["metadata"]["namespace"].string ?? "", service: service["metadata"]["name"].string ?? "", name: name,
                family: family, networkProtocol: port["protocol"].string ?? "TCP", port: UInt32(port["port"].int ?? 0),
                nodePort: UInt32(port["nodePort"].int ?? 0),
                affinitySeconds: UInt32(affinity), externalLocal: policies[0],
                internalLocal: policies[1],
                healthCheckNodePort: UInt32(spec["healthCheckNodePort"].int ?? 0), clusterIP: clusterIP,
                externalIPs: addresses(spec["externalIPs"].elements), balancerAddresses: addresses(balancers.map { $0["ip"] }),
                // One that everybody is in is as none.
                sourceRanges: sources.contains { $0.bits == 0 } ? [] : sources,
                endpoints: endpoints(
                    of: name, in: slices, TopologyHints(nodeName: nodeName, zone: zone), prefersLocal: policies.contains(true)))
        }
    }

    /// Ready endpoints, of those only the ones meant for this node where hints say so; where there are none, those that still serve while
    /// they terminate, as upstream falls back. A policy that wants endpoints of this node looks for both among them alone. Ordered, so that
    /// equal sets compare equal.
    ///
    /// - Parameter slices: of one family.
    private static func endpoints(of port: String, in slices: [Value], _ hints: TopologyHints, prefersLocal: Bool) -> [Endpoint] {
        var byAddress: [String: Endpoint] = [:]
        var hints = hints
        for slice in slices {
            guard let number = slice["ports"].elements.first(where: { ($0["name"].string ?? "") == port })?["port"].int else { continue }
            for endpoint in slice["endpoints"].elements {
                guard let address = endpoint["addresses"].elements.first?.string.flatMap({ IPAddress($0) }) else { continue }
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
