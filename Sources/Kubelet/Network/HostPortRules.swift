import APIModel

/// The nftables commands that put ports of the node in force: a table of each family that is replaced whole.
///
/// ```
/// prerouting, output ─▶ own   address . protocol . port : dnat    (a port on one address)
///                    └▶ any   protocol . port           : dnat    (to any address of this node)
/// postrouting ─▶ masquerade what comes from this node's loopback, and what would be answered past this table
/// input       ─▶ drop what comes from outside for loopback, which the way back to it would let in otherwise
/// ```
/// The loopback address of IPv6 has no way back from a pod, so no port is on it.
enum HostPortRules {
    /// Takes the tables away, whether they are there or not.
    static func removal(of table: String) -> String { ["ip", "ip6"].map { removal(of: table, $0) }.joined() }

    private static func removal(of table: String, _ ip: String) -> String { "add table \(ip) \(table)\ndelete table \(ip) \(table)\n" }

    /// - Parameter clients: the networks of pods whose packets to one another do not pass netfilter: an answer would go straight to the
    ///   client with the pod's own address, so such connections are masqueraded.
    static func script(_ ports: some Collection<HostPort>, in table: String, clients: [IPNetwork] = []) -> String {
        IPFamily.allCases.map { family in
            let network = clients.first { $0.family == family }?.description
            return script(ports.filter { $0.family == family }, in: table, family, clients: network)
        }.joined()
    }

    private static func script(_ ports: [HostPort], in table: String, _ family: IPFamily, clients: String?) -> String {
        let (ip, type) = family == .ipv4 ? ("ip", "ipv4_addr") : ("ip6", "ipv6_addr")
        guard !ports.isEmpty else { return removal(of: table, ip) }
        // Two pods that claim one port are the scheduler's mistake; one of them has it.
        var any: [String: String] = [:]
        var own: [String: String] = [:]
        for port in ports {
            let (key, target) = ("\(port.transport) . \(port.port)", "\(port.podAddress) . \(port.podPort)")
            if let address = port.address { own["\(address) . \(key)"] = target } else { any[key] = target }
        }
        let pods = Set(ports.map(\.podAddress)).sorted().joined(separator: ", ")
        let here = "\(family == .ipv6 ? "ip6 daddr != ::1 " : "")fib daddr type local"
        return removal(of: table, ip) + """
            table \(ip) \(table) {
              map any { type inet_proto . inet_service : \(type) . inet_service; \(elements(any))}
              map own { type \(type) . inet_proto . inet_service : \(type) . inet_service; \(elements(own))}
              set pods { type \(type); elements = { \(pods) }; }
              chain ports {
                meta l4proto { tcp, udp, sctp } dnat \(ip) to \(ip) daddr . meta l4proto . th dport map @own
                meta l4proto { tcp, udp, sctp } dnat \(ip) to meta l4proto . th dport map @any
              }
              chain prerouting { type nat hook prerouting priority dstnat; \(here) jump ports; }
              chain output { type nat hook output priority -100; \(here) jump ports; }
              chain postrouting {
                type nat hook postrouting priority srcnat;
                \(family == .ipv4 ? "ct status dnat ip saddr 127.0.0.0/8 ip daddr @pods masquerade" : "")
                ct status dnat \(ip) saddr @pods \(ip) daddr @pods masquerade
                \(clients.map { "ct status dnat \(ip) saddr \($0) \(ip) daddr @pods masquerade" } ?? "")
              }
              chain input {
                type filter hook input priority filter;
                \(family == .ipv4 ? "iifname != \"lo\" ip daddr 127.0.0.0/8 ct state != { established, related } drop" : "")
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
