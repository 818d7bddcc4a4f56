internal import KernelNetwork
internal import PluginKit

/// The nftables commands that put services in force.
///
/// One table, `apus-proxy` where nobody says otherwise. Traffic to a service finds its chain by one map look-up, however many services there are; the chain picks an
/// endpoint at random. The shape follows kube-proxy's nftables mode (KEP-3866):
///
/// ```
/// prerouting, output ─▶ service-ips    address . protocol . port : goto svc-N │ ext-N     ─▶ dnat to an endpoint
///                    └▶ service-ports  protocol . port           : goto ext-N   (to an address of this node only)
/// prerouting, output ─▶ firewall-ips : drop who may not come to a load balancer's address
/// input, forward, output ─▶ no-endpoint-ips, no-endpoint-ports   : reject, or drop where only the policy is in the way
/// postrouting ─▶ masquerade what is marked, and what a pod sends to itself through a service
/// ```
struct Ruleset {
    /// The mark for packets to masquerade, the same bit that kube-proxy uses.
    private static let mark = "0x4000"

    let table: String
    private let podCIDR: String

    /// The table without any service.
    private(set) var base: FilterTable

    /// - Parameter crossesBridge: whether packets between two pods on one bridge pass netfilter. Where they do not, an answer would go
    ///   straight to the client with the endpoint's address, so such connections are masqueraded.
    init(table: String, podCIDR: String, crossesBridge: Bool) {
        (self.table, self.podCIDR) = (table, podCIDR)
        base = FilterTable(name: table)
        let (address, port) = ("ipv4_addr . inet_proto . inet_service : verdict", "inet_proto . inet_service : verdict")
        for (map, type) in [
            ("service-ips", address), ("service-ports", port), ("firewall-ips", address), ("no-endpoint-ips", address),
            ("no-endpoint-ports", port),
        ] { base.addSet(map, "map", type: type) }
        base.addSet("hairpin", type: "ipv4_addr . ipv4_addr")

        func look(_ kind: String) -> [String] {
            [
                "ip daddr . meta l4proto . th dport vmap @\(kind)-ips",
                "ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @\(kind)-ports",
            ]
        }
        let firewall = "ct state new ip daddr . meta l4proto . th dport vmap @firewall-ips"
        let refusal = "ct state new jump no-endpoints"
        var answersCross = [
            "meta mark & \(Self.mark) == \(Self.mark) meta mark set meta mark xor \(Self.mark) masquerade fully-random",
            "ct status dnat ip saddr . ip daddr @hairpin masquerade fully-random",
        ]
        if !crossesBridge, !podCIDR.isEmpty {
            answersCross.append("ct status dnat ip saddr \(podCIDR) ip daddr \(podCIDR) masquerade fully-random")
        }
        for (chain, rules) in [
            ("masquerade-later", ["meta mark set meta mark or \(Self.mark)"]), ("refuse", ["reject"]), ("discard", ["drop"]),
            ("services", look("service")), ("no-endpoints", look("no-endpoint")),
            ("nat-prerouting", ["type nat hook prerouting priority dstnat;", "jump services"]),
            ("nat-output", ["type nat hook output priority -100;", "jump services"]),
            ("nat-postrouting", ["type nat hook postrouting priority srcnat;"] + answersCross),
            ("firewall-prerouting", ["type filter hook prerouting priority -110;", firewall]),
            ("firewall-output", ["type filter hook output priority -110;", firewall]),
            ("filter-input", ["type filter hook input priority -110;", refusal]),
            ("filter-forward", ["type filter hook forward priority -110;", refusal]),
            // After the endpoint is chosen: what the node itself has sent to one is not held up.
            ("filter-output", ["type filter hook output priority filter;", refusal]),
        ] { base.setChain(chain, rules) }
    }

    /// Takes the table away, whether it is there or not.
    static func removal(of table: String) -> String { FilterTable(name: table).removal }

    /// What the table has with these services in it.
    func shape(with parts: some Sequence<Part>) -> TableShape {
        var shape = base.shape
        for part in parts {
            for set in part.sets { shape.sets.insert(set.name) }
            for chain in part.chains { shape.chains[chain.name] = chain.rules.count }
        }
        return shape
    }

    /// Everything one service has in the table: `add` puts it there, `remove` takes it away.
    struct Part {
        /// Map and set elements by the name of the map.
        var elements: [(map: String, key: String, value: String?)] = []
        /// Chains with their rules, in the order to make them.
        var chains: [(name: String, rules: [String])] = []
        /// Sets that remember clients, with the declaration.
        var sets: [(name: String, declaration: String)] = []
        /// Addresses that may reach themselves through this service.
        var hairpins: [String] = []

        /// Has `key` lead to a chain, or nowhere: a Service without endpoints is refused, one whose policy allows none of them is not
        /// answered.
        ///
        /// - Parameters:
        ///   - isAny: whether there are endpoints.
        ///   - isAllowed: whether the policy allows one.
        ///   - letsInside: whether the chain leads those inside of the cluster to endpoints that the policy does not allow others.
        mutating func send(_ key: String, through map: String, to chain: String, isAny: Bool, isAllowed: Bool, letsInside: Bool = false) {
            if isAllowed || isAny && letsInside { elements.append(("service-\(map)", key, "goto \(chain)")) }
            if !isAllowed { elements.append(("no-endpoint-\(map)", key, isAny ? "goto discard" : "goto refuse")) }
        }

        func add(to table: String) -> String {
            var text = ""
            for set in sets { text += "add set ip \(table) \(set.name) { \(set.declaration) }\n" }
            for chain in chains { text += "add chain ip \(table) \(chain.name)\n" }
            for chain in chains { for rule in chain.rules { text += "add rule ip \(table) \(chain.name) \(rule)\n" } }
            for element in elements {
                text += "add element ip \(table) \(element.map) { \(element.key)\(element.value.map { " : \($0)" } ?? "") }\n"
            }
            return text
        }

        func remove(from table: String) -> String {
            var text = ""
            for element in elements { text += "delete element ip \(table) \(element.map) { \(element.key) }\n" }
            for chain in chains { text += "flush chain ip \(table) \(chain.name)\n" }
            for chain in chains.reversed() { text += "delete chain ip \(table) \(chain.name)\n" }
            for set in sets { text += "delete set ip \(table) \(set.name)\n" }
            return text
        }
    }

    func part(for service: WantedService) -> Part {
        var part = Part()
        let internalChain = "svc-\(service.id)"
        let externalChain = "ext-\(service.id)"
        // What may go to any endpoint, whatever the policies.
        let clusterChain = service.isInternalLocal ? "all-\(service.id)" : internalChain
        let fromOutside = podCIDR.isEmpty ? [] : ["ip saddr != \(podCIDR) jump masquerade-later"]
        let isExternal = service.nodePort != 0 || !service.externalAddresses.isEmpty

        if !service.internalEndpoints.isEmpty {
            part.chains.append(
                (internalChain, fromOutside + Self.balance(service, over: service.internalEndpoints, into: &part, prefix: "c")))
        }
        if isExternal, service.isInternalLocal, !service.clusterEndpoints.isEmpty {
            part.chains.append(
                (clusterChain, fromOutside + Self.balance(service, over: service.clusterEndpoints, into: &part, prefix: "a")))
        }
        if isExternal, !service.clusterEndpoints.isEmpty {
            part.chains.append((externalChain, external(service, to: clusterChain, into: &part)))
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
            part.chains.append((chain, sources.map { "ip saddr \($0) return" } + ["drop"]))
            for address in service.balancerAddresses { part.elements.append(("firewall-ips", "\(address) . \(key)", "jump \(chain)")) }
        }
        part.hairpins = service.endpoints.map(\.address)
        return part
    }

    /// What comes by an external address or a node port. Under the policy `Local`, pods and the node itself may still go to any endpoint:
    /// their addresses are not lost on the way.
    private func external(_ service: WantedService, to clusterChain: String, into part: inout Part) -> [String] {
        guard service.isExternalLocal else { return ["jump masquerade-later", "goto \(clusterChain)"] }
        let inside =
            (podCIDR.isEmpty ? [] : ["ip saddr \(podCIDR) goto \(clusterChain)"])
            + ["fib saddr type local jump masquerade-later", "fib saddr type local goto \(clusterChain)"]
        let endpoints = service.externalEndpoints
        return inside + (endpoints.isEmpty ? [] : Self.balance(service, over: endpoints, into: &part, prefix: "e"))
    }

    /// The rules that send a connection to one of `endpoints`; with session affinity also the chains and sets that remember where a client
    /// went.
    private static func balance(_ service: WantedService, over endpoints: [WantedService.Endpoint], into part: inout Part, prefix: String)
        -> [String]
    {
        let l4 = "meta l4proto \(service.networkProtocol)"
        guard service.affinitySeconds > 0 else {
            if endpoints.count == 1 { return ["\(l4) dnat to \(endpoints[0].address):\(endpoints[0].port)"] }
            let choices = endpoints.enumerated().map { "\($0) : \($1.address) . \($1.port)" }.joined(separator: ", ")
            return ["\(l4) dnat to numgen random mod \(endpoints.count) map { \(choices) }"]
        }
        var returning: [String] = []
        var choices: [String] = []
        for (index, endpoint) in endpoints.enumerated() {
            let name = "\(prefix)-\(service.id)-\(endpoint.address)-\(endpoint.port)"
            part.sets.append((name, "type ipv4_addr; flags dynamic,timeout; timeout \(service.affinitySeconds)s;"))
            part.chains.append((name, ["update @\(name) { ip saddr }", "\(l4) dnat to \(endpoint.address):\(endpoint.port)"]))
            returning.append("ip saddr @\(name) goto \(name)")
            choices.append("\(index) : goto \(name)")
        }
        return returning + ["numgen random mod \(endpoints.count) vmap { \(choices.joined(separator: ", ")) }"]
    }
}
