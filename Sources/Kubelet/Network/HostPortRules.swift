/// The nftables commands that put ports of the node in force: one table that is replaced whole.
///
/// ```
/// prerouting, output ─▶ own   address . protocol . port : dnat    (a port on one address)
///                    └▶ any   protocol . port           : dnat    (to any address of this node)
/// postrouting ─▶ masquerade what comes from this node's loopback, and what would be answered past this table
/// input       ─▶ drop what comes from outside for loopback, which the way back to it would let in otherwise
/// ```
enum HostPortRules {
    /// Takes the table away, whether it is there or not.
    static func removal(of table: String) -> String { "add table ip \(table)\ndelete table ip \(table)\n" }

    /// - Parameter clients: the network of pods whose packets to one another do not pass netfilter: an answer would go straight to the
    ///   client with the pod's own address, so such connections are masqueraded. `nil` where there is none.
    static func script(_ ports: some Collection<HostPort>, in table: String, clients: String?) -> String {
        guard !ports.isEmpty else { return removal(of: table) }
        // Two pods that claim one port are the scheduler's mistake; one of them has it.
        var any: [String: String] = [:]
        var own: [String: String] = [:]
        for port in ports {
            let (key, target) = ("\(port.transport) . \(port.port)", "\(port.podAddress) . \(port.podPort)")
            if let address = port.address { own["\(address) . \(key)"] = target } else { any[key] = target }
        }
        let pods = Set(ports.map(\.podAddress)).sorted().joined(separator: ", ")
        return removal(of: table) + """
            table ip \(table) {
              map any { type inet_proto . inet_service : ipv4_addr . inet_service; \(elements(any))}
              map own { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; \(elements(own))}
              set pods { type ipv4_addr; elements = { \(pods) }; }
              chain ports {
                meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @own
                meta l4proto { tcp, udp, sctp } dnat ip to meta l4proto . th dport map @any
              }
              chain prerouting { type nat hook prerouting priority dstnat; fib daddr type local jump ports; }
              chain output { type nat hook output priority -100; fib daddr type local jump ports; }
              chain postrouting {
                type nat hook postrouting priority srcnat;
                ct status dnat ip saddr 127.0.0.0/8 ip daddr @pods masquerade
                ct status dnat ip saddr @pods ip daddr @pods masquerade
                \(clients.map { "ct status dnat ip saddr \($0) ip daddr @pods masquerade" } ?? "")
              }
              chain input {
                type filter hook input priority filter;
                iifname != "lo" ip daddr 127.0.0.0/8 ct state != { established, related } drop
              }
            }

            """
    }

    private static func elements(_ map: [String: String]) -> String {
        guard !map.isEmpty else { return "" }
        return "elements = { " + map.sorted { $0.key < $1.key }.map { "\($0) : \($1)" }.joined(separator: ", ") + " }; "
    }
}
