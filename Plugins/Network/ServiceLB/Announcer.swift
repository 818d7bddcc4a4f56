internal import APIModel

/// Which node answers for an address that no node has. Pure.
enum Announcer {
    /// One of the ready nodes that take part and are among `hosts`. When nodes come and go, only what they had, or now get, moves.
    static func node(for address: String, among nodes: [Value], hosts: Set<String>?) -> String? {
        let names = nodes.filter(NodeAddresses.takesPart).compactMap { $0["metadata"]["name"].string }
        return names.filter { hosts?.contains($0) ?? true }.max { rank($0, address) < rank($1, address) }
    }

    /// The addresses of a Service that are no node's own.
    static func addresses(of service: Value, nodes: [Value]) -> [String] {
        guard LoadBalancer.isOurs(service) else { return [] }
        let own = Set(nodes.flatMap { $0["status"]["addresses"].elements.compactMap { $0["address"].string } })
        return service["status"]["loadBalancer"]["ingress"].elements.compactMap { $0["ip"].string }.filter { !own.contains($0) }
    }

    /// FNV-1a with a last stir: every node computes the same.
    private static func rank(_ node: String, _ address: String) -> UInt64 {
        var hash = "\(node)/\(address)".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        return hash ^ hash >> 33
    }
}
