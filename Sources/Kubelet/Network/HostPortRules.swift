import APIModel

/// The nftables commands that put ports of the node in force: one table a family that is replaced whole.
///
/// ```
/// prerouting, output ─▶ own   address . protocol . port : dnat    (a port on one address)
///                    └▶ any   protocol . port           : dnat    (to any address of this node)
/// postrouting ─▶ masquerade what comes from this node's loopback, and what would be answered past this table
/// input       ─▶ drop what comes from outside for loopback, which the way back to it would let in otherwise
/// ```
enum HostPortRules {
    /// Takes the tables away, whether they are there or not.
    static func removal(of table: String) -> String { IPFamily.allCases.map { removal(of: table, $0) }.joined() }

    private static func removal(of table: String, _ family: IPFamily) -> String {
        let table = "\(Words(family).table) \(table)"
        return "add table \(table)\ndelete table \(table)\n"
    }

    /// What nftables calls things of a family.
    private struct Words {
        let table: String
        let address: String

        init(_ family: IPFamily) { (table, address) = family == .ipv4 ? ("ip", "ipv4_addr") : ("ip6", "ipv6_addr") }
    }

    /// - Parameter clients: the networks of pods whose packets to one another do not pass netfilter: an answer would go straight to the
    ///   client with the pod's own address, so such connections are masqueraded. Empty where there is none.
    static func script(_ ports: some Collection<HostPort>, in table: String, clients: [String]) -> String {
        let ports = Dictionary(grouping: ports, by: \.family)
        return IPFamily.allCases.map { family in
            let own = clients.first { IPNetwork($0)?.family == family }
            return removal(of: table, family) + (ports[family].map { rules($0, in: table, family, clients: own) } ?? "")
        }.joined()
    }

    private static func rules(_ ports: [HostPort], in table: String, _ family: IPFamily, clients: String?) -> String {
        let words = Words(family)
        let (ip, type) = (words.table, words.address)
        // Two pods that claim one port are the scheduler's mistake; one of them has it.
        var any: [String: String] = [:]
        var own: [String: String] = [:]
        for port in ports {
            let (key, target) = ("\(port.transport) . \(port.port)", "\(port.podAddress) . \(port.podPort)")
            if let address = port.address { own["\(address) . \(key)"] = target } else { any[key] = target }
        }
        let pods = Set(ports.map(\.podAddress)).sorted().joined(separator: ", ")
        return """
            table \(ip) \(table) {
              map any { type inet_proto . inet_service : \(type) . inet_service; \(elements(any))}
              map own { type \(type) . inet_proto . inet_service : \(type) . inet_service; \(elements(own))}
              set pods { type \(type); elements = { \(pods) }; }
              chain ports {
                meta l4proto { tcp, udp, sctp } dnat \(ip) to \(ip) daddr . meta l4proto . th dport map @own
                meta l4proto { tcp, udp, sctp } dnat \(ip) to meta l4proto . th dport map @any
              }
              chain prerouting { type nat hook prerouting priority dstnat; fib daddr type local jump ports; }
              chain output { type nat hook output priority -100; fib daddr type local jump ports; }
              chain postrouting {
                type nat hook postrouting priority srcnat;
                \(family == .ipv4 ? "ct status dnat ip saddr 127.0.0.0/8 ip daddr @pods masquerade" : "")
                ct status dnat \(ip) saddr @pods \(ip) daddr @pods masquerade
                \(clients.map { "ct status dnat \(ip) saddr \($0) \(ip) daddr @pods masquerade" } ?? "")
              }
            \(family == .ipv4 ? loopback : "")
            }

            """
    }

    /// The way back to loopback that IPv4 has, and IPv6 has not.
    private static let loopback = """
          chain input {
            type filter hook input priority filter;
            iifname != "lo" ip daddr 127.0.0.0/8 ct state != { established, related } drop
          }
        """

    private static func elements(_ map: [String: String]) -> String {
        guard !map.isEmpty else { return "" }
        return "elements = { " + map.sorted { $0.key < $1.key }.map { "\($0) : \($1)" }.joined(separator: ", ") + " }; "
    }
}
