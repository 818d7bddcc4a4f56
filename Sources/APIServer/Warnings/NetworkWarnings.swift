import APIModel

/// Services: what is deprecated, and what their type ignores.
enum ServiceWarnings {
    static func of(_ service: Value) -> [String] {
        let spec = service["spec"]
        let (type, external) = (spec["type"].string ?? "", spec["externalIPs"])
        let isHeadless = type == "ClusterIP" && spec["clusterIP"].string == "None"
        var warnings: [String] = []
        if !service["metadata"]["annotations"]["service.kubernetes.io/topology-aware-hints"].isNull {
            warnings.append(
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead"
            )
        }
        warnings += AddressWarnings.ips(spec["clusterIPs"], at: "spec.clusterIPs")
        if isHeadless {
            if !spec["loadBalancerIP"].isEmpty { warnings.append("spec.loadBalancerIP is ignored for headless services") }
            if !external.isEmpty { warnings.append("spec.externalIPs is ignored for headless services") }
            if spec["sessionAffinity"].string != "None" { warnings.append("spec.SessionAffinity is ignored for headless services") }
        }
        warnings += AddressWarnings.ips(external, at: "spec.externalIPs")
        if !external.isEmpty, !isHeadless, type != "ExternalName" {
            warnings.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
        }
        warnings += AddressWarnings.ip(spec["loadBalancerIP"], at: "spec.loadBalancerIP")
        warnings += AddressWarnings.cidrs(spec["loadBalancerSourceRanges"], at: "spec.loadBalancerSourceRanges")
        if type == "ExternalName" {
            if !external.isEmpty { warnings.append("spec.externalIPs is ignored when spec.type is \"ExternalName\"") }
        } else if !spec["externalName"].isEmpty {
            warnings.append("spec.externalName is ignored when spec.type is not \"ExternalName\"")
        }
        if spec["trafficDistribution"].string == "PreferClose" {
            warnings.append("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"")
        }
        return warnings
    }
}

/// Endpoints and EndpointSlices. Those of our own controllers are not looked at.
enum EndpointWarnings {
    static let endpoints: ObjectWarnings.Rule = { endpoints, _ in
        guard endpoints["metadata"]["labels"]["endpoints.kubernetes.io/managed-by"].string != "endpoint-controller" else { return [] }
        return endpoints["subsets"].elements.enumerated().flatMap { index, subset in
            ["addresses", "notReadyAddresses"].flatMap { list in
                subset[list].elements.enumerated().flatMap { position, address in
                    AddressWarnings.ip(address["ip"], at: FieldPath("subsets").index(index).child(list).index(position).child("ip"))
                }
            }
        }
    }

    static let slice: ObjectWarnings.Rule = { slice, old in
        var warnings: [String] = []
        if old == nil, slice["addressType"].string == "FQDN" { warnings.append("spec.addressType: FQDN endpoints are deprecated") }
        let manager = slice["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"].string
        if manager == "endpointslice-controller.k8s.io" || manager == "endpointslicemirroring-controller.k8s.io" { return warnings }
        for (index, endpoint) in slice["endpoints"].elements.enumerated() {
            warnings += AddressWarnings.ips(endpoint["addresses"], at: FieldPath("endpoints").index(index).child("addresses"))
        }
        return warnings
    }
}

enum NetworkPolicyWarnings {
    static func of(_ policy: Value) -> [String] {
        [("ingress", "from"), ("egress", "to")].flatMap { direction, peers in
            policy["spec"][direction].elements.enumerated().flatMap { index, rule in
                rule[peers].elements.enumerated().flatMap { position, peer -> [String] in
                    let block = peer["ipBlock"]
                    let path = FieldPath("spec").child(direction).index(index).child(peers).index(position).child("ipBlock")
                    return AddressWarnings.cidr(block["cidr"], at: path.child("cidr"))
                        + AddressWarnings.cidrs(block["except"], at: path.child("except"))
                }
            }
        }
    }
}

extension AddressWarnings {
    static func ips(_ list: Value, at path: FieldPath) -> [String] {
        list.elements.enumerated().flatMap { ip($1, at: path.index($0)) }
    }

    static func cidrs(_ list: Value, at path: FieldPath) -> [String] {
        list.elements.enumerated().flatMap { cidr($1, at: path.index($0)) }
    }
}
