package import APIModel
package import KernelNetwork
internal import PluginKit

/// The nftables commands that put the services of one family of addresses in force.
///
/// One table, `apus-proxy` where nobody says otherwise. Traffic to a service finds its chain by one map look-up, however many services there
/// are; the chain draws one of its endpoints' numbers, which another look-up leads to the endpoint. The shape follows kube-proxy's nftables mode (KEP-3866):
///
/// ```
/// prerouting, output ─▶ service-ips    address . protocol . port : goto svc-N │ ext-N     ─▶ dnat to an endpoint
///                    └▶ service-ports  protocol . port           : goto ext-N   (to an address of this node only)
/// prerouting, output ─▶ firewall-ips : drop who may not come to a load balancer's address
/// input, forward, output ─▶ no-endpoint-ips, no-endpoint-ports   : reject, or drop where only the policy is in the way
/// forward, output ─▶ cluster-ips : reject what comes to a ClusterIP at a port that it has not
/// postrouting ─▶ masquerade what is marked, and what a pod sends to itself through a service
/// ```
package struct Ruleset {
    /// The mark for packets to masquerade, the same bit that kube-proxy uses.
    private static let mark = "0x4000"

    private static let loopback = "127.0.0.0/8"
    /// A kernel that leads what loopback has sent to pods no longer turns away what comes to loopback from elsewhere.
    private static let foreigners = "iifname != \"lo\" ip daddr \(loopback) ct state new drop"

    /// Whether node ports are to be on loopback: where one of its networks is named, and not all there are. The kernel has to have
    /// `route_localnet` then; there is no such thing for IPv6.
    package static func isOnLoopback(_ nodePortNetworks: [IPNetwork]) -> Bool {
        guard let all = IPNetwork(loopback) else { return false }
        return nodePortNetworks.contains(where: all.contains)
    }

    package let family: IPFamily
    /// Names the table in commands: `ip apus-proxy`.
    let table: String
    /// In rules, before `saddr` and `daddr`.
    private let ip: String
    private let podNetwork: IPNetwork?

    /// The table without any service.
    package private(set) var base: FilterTable

    /// - Parameters:
    ///   - podNetwork: of the cluster; `nil` where it is not known.
    ///   - nodePortNetworks: node ports are at those addresses of the node that are in one of these; at all of them where there is none.
    ///   - crossesBridge: whether packets between two pods on one bridge pass netfilter. Where they do not, an answer would go straight to
    ///     the client with the endpoint's address, so such connections are masqueraded.
    package init(
        table name: String, family: IPFamily, podNetwork: IPNetwork?, nodePortNetworks: [IPNetwork] = [], crossesBridge: Bool
    ) {
        let kernelFamily = FilterFamily(family)
        (self.family, self.podNetwork, ip) = (family, podNetwork, kernelFamily.rawValue)
        base = FilterTable(name: name, family: kernelFamily)
        table = base.place
        let addressType = kernelFamily.addressType
        let (address, port) = ("\(addressType) . inet_proto . inet_service : verdict", "inet_proto . inet_service : verdict")
        for (map, type) in [
            ("service-ips", address), ("service-ports", port), ("firewall-ips", address), ("no-endpoint-ips", address),
            ("no-endpoint-ports", port),
        ] { base.addSet(map, "map", type: type) }
        for (networkProtocol, count) in Self.endpointMaps {
            for number in 0..<count {
                base.addSet(
                    Self.endpoints(networkProtocol, number), "map",
                    type: "typeof numgen inc mod 2 : \(ip) daddr . \(networkProtocol) dport")
            }
        }
        base.addSet(Self.hairpin, type: "\(addressType) . \(addressType)")
        base.addSet(Self.clusterIPs, type: addressType)
        for (chain, rules) in chains(nodePortNetworks, crossesBridge: crossesBridge) { base.setChain(chain, rules) }
    }

    private func chains(_ nodePortNetworks: [IPNetwork], crossesBridge: Bool) -> [(String, [String])] {
        let networks = nodePortNetworks.filter { $0.family == family }.map(\.description).joined(separator: ", ")
        let isOnLoopback = family == .ipv4 && Self.isOnLoopback(nodePortNetworks)
        let isNodePort = [
            isOnLoopback ? "" : "\(ip) daddr != \(family == .ipv4 ? Self.loopback : "::1")",
            networks.isEmpty ? "" : "\(ip) daddr { \(networks) }",
            "fib daddr type local",
        ].filter { !$0.isEmpty }.joined(separator: " ")
        func look(_ kind: String) -> [String] {
            ["\(ip) daddr . meta l4proto . th dport vmap @\(kind)-ips", "\(isNodePort) meta l4proto . th dport vmap @\(kind)-ports"]
        }
        let firewall = "ct state new \(ip) daddr . meta l4proto . th dport vmap @firewall-ips"
        let refusal = "ct state new jump no-endpoints"
        let noSuchPort = "ct state new \(ip) daddr @\(Self.clusterIPs) reject"
        var answersCross = [
            "meta mark & \(Self.mark) == \(Self.mark) meta mark set meta mark xor \(Self.mark) masquerade fully-random",
            "ct status dnat \(ip) saddr . \(ip) daddr @\(Self.hairpin) masquerade fully-random",
        ]
        if !crossesBridge, let podNetwork {
            answersCross.append("ct status dnat \(ip) saddr \(podNetwork) \(ip) daddr \(podNetwork) masquerade fully-random")
        }
        return [
            ("masquerade-later", ["meta mark set meta mark or \(Self.mark)"]), ("refuse", ["reject"]), ("discard", ["drop"]),
            ("services", look("service")), ("no-endpoints", look("no-endpoint")),
            ("nat-prerouting", ["type nat hook prerouting priority dstnat;", "jump services"]),
            ("nat-output", ["type nat hook output priority -100;", "jump services"]),
            ("nat-postrouting", ["type nat hook postrouting priority srcnat;"] + answersCross),
            ("firewall-prerouting", ["type filter hook prerouting priority -110;", firewall]),
            ("firewall-output", ["type filter hook output priority -110;", firewall]),
            ("filter-input", ["type filter hook input priority -110;", refusal] + (isOnLoopback ? [Self.foreigners] : [])),
            ("filter-forward", ["type filter hook forward priority -110;", refusal, noSuchPort]),
            // After the endpoint is chosen: what the node itself has sent to one is not held up.
            ("filter-output", ["type filter hook output priority filter;", refusal, noSuchPort]),
        ]
    }

    /// Takes the table away, whether it is there or not.
    package static func removal(of table: String, _ family: IPFamily) -> String {
        FilterTable(name: table, family: FilterFamily(family)).removal
    }

    /// What the table has with these services in it.
    package func shape(with parts: some Sequence<Part>) -> TableShape {
        var shape = base.shape
        for part in parts {
            for set in part.sets { shape.sets.insert(set.name) }
            for chain in part.chains { shape.chains[chain.name] = chain.rules.count }
        }
        return shape
    }

    /// Those that may reach themselves through a service.
    static let hairpin = "hairpin"
    /// Of all services.
    static let clusterIPs = "cluster-ips"

    /// How many maps there are in which a number stands for an endpoint, by the protocol of its services, which a map's type names. The
    /// kernel looks through a whole map when a rule comes to name it, and through the names of all maps when one comes: so there are some,
    /// each with the endpoints of a part of the services.
    private static let endpointMaps: [String: UInt64] = ["tcp": 64, "udp": 16, "sctp": 4]
    private static func endpoints(_ networkProtocol: String, _ number: UInt64) -> String { "endpoints-\(networkProtocol)-\(number)" }

    private static func endpoints(of service: WantedService) -> String {
        endpoints(service.networkProtocol, service.id % (endpointMaps[service.networkProtocol] ?? 1))
    }

    /// - Parameter numbers: of all services of the table; chains that have several endpoints take theirs.
    func part(for service: WantedService, _ numbers: inout NumberRuns) -> Part {
        var part = Part()
        let internalChain = "svc-\(service.id)"
        let externalChain = "ext-\(service.id)"
        // What may go to any endpoint, whatever the policies.
        let clusterChain = service.isInternalLocal ? "all-\(service.id)" : internalChain
        let fromOutside = podNetwork.map { ["\(ip) saddr != \($0) jump masquerade-later"] } ?? []
        let isExternal = service.nodePort != 0 || !service.externalAddresses.isEmpty

        if !service.internalEndpoints.isEmpty {
            part.chains.append(
                (
                    internalChain,
                    fromOutside + balance(service, over: service.internalEndpoints, in: internalChain, &part, &numbers, prefix: "c")
                ))
        }
        if isExternal, service.isInternalLocal, !service.clusterEndpoints.isEmpty {
            part.chains.append(
                (
                    clusterChain,
                    fromOutside + balance(service, over: service.clusterEndpoints, in: clusterChain, &part, &numbers, prefix: "a")
                ))
        }
        if isExternal, !service.clusterEndpoints.isEmpty {
            part.chains.append((externalChain, external(service, externalChain, to: clusterChain, &part, &numbers)))
        }

        let key = "\(service.networkProtocol) . \(service.port)"
        part.send(
            "\(service.clusterIP) . \(key)", through: "ips", to: internalChain, isAny: !service.clusterEndpoints.isEmpty,
            isAllowed: !service.internalEndpoints.isEmpty)
        let outside =
            service.externalAddresses.map { ("\($0) . \(key)", "ips") }
            + (service.nodePort == 0 ? [] : [("\(service.networkProtocol) . \(service.nodePort)", "ports")])
        for (key, map) in outside {
            part.send(
                key, through: map, to: externalChain, isAny: !service.clusterEndpoints.isEmpty,
                isAllowed: !service.externalEndpoints.isEmpty, letsInside: service.isExternalLocal)
        }
        if let sources = service.sourceRanges, !service.balancerAddresses.isEmpty {
            let chain = "fw-\(service.id)"
            part.chains.append((chain, sources.map { "\(ip) saddr \($0) return" } + ["drop"]))
            for address in service.balancerAddresses {
                part.elements.append(Element("firewall-ips", "\(address) . \(key)", "jump \(chain)"))
            }
        }
        part.shared =
            service.endpoints.map { Element(Self.hairpin, "\($0.address) . \($0.address)") }
            + [Element(Self.clusterIPs, service.clusterIP)]
        return part
    }

    /// What comes by an external address or a node port. Under the policy `Local`, pods and the node itself may still go to any endpoint:
    /// their addresses are not lost on the way.
    private func external(
        _ service: WantedService, _ chain: String, to clusterChain: String, _ part: inout Part, _ numbers: inout NumberRuns
    ) -> [String] {
        guard service.isExternalLocal else { return ["jump masquerade-later", "goto \(clusterChain)"] }
        let inside =
            (podNetwork.map { ["\(ip) saddr \($0) goto \(clusterChain)"] } ?? [])
            + ["fib saddr type local jump masquerade-later", "fib saddr type local goto \(clusterChain)"]
        let endpoints = service.externalEndpoints
        return inside + (endpoints.isEmpty ? [] : balance(service, over: endpoints, in: chain, &part, &numbers, prefix: "e"))
    }

    /// The rules that send a connection to one of `endpoints`; with session affinity also the chains and sets that remember where a client
    /// went.
    private func balance(
        _ service: WantedService, over endpoints: [WantedService.Endpoint], in chain: String, _ part: inout Part,
        _ numbers: inout NumberRuns, prefix: String
    ) -> [String] {
        let l4 = "meta l4proto \(service.networkProtocol)"
        guard service.affinitySeconds > 0 else {
            if endpoints.count == 1 { return ["\(l4) dnat to \(endpoints[0].place)"] }
            let (map, first) = (Self.endpoints(of: service), numbers.first(of: chain, count: endpoints.count))
            part.numbered.insert(chain)
            for (number, endpoint) in zip(first..., endpoints) {
                part.elements.append(Element(map, String(number), "\(endpoint.address) . \(endpoint.port)"))
            }
            return ["\(l4) dnat to numgen random mod \(endpoints.count) offset \(first) map @\(map)"]
        }
        var returning: [String] = []
        var choices: [String] = []
        for (index, endpoint) in endpoints.enumerated() {
            // A name has no colons.
            let name = "\(prefix)-\(service.id)-\(endpoint.address.replacing(":", with: "."))-\(endpoint.port)"
            part.sets.append(
                (name, "type \(FilterFamily(family).addressType); flags dynamic,timeout; timeout \(service.affinitySeconds)s;"))
            part.chains.append((name, ["update @\(name) { \(ip) saddr }", "\(l4) dnat to \(endpoint.place)"]))
            returning.append("\(ip) saddr @\(name) goto \(name)")
            choices.append("\(index) : goto \(name)")
        }
        return returning + ["numgen random mod \(endpoints.count) vmap { \(choices.joined(separator: ", ")) }"]
    }
}

extension FilterFamily {
    package init(_ family: IPFamily) { self = family == .ipv4 ? .ip : .ip6 }
}
