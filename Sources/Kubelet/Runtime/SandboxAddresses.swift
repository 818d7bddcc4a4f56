import APIModel

extension PodRuntime.Sandbox {
    /// The pod's addresses, one of each family, the one of the node's first address first, whatever order its network has. Upstream:
    /// `sortPodIPs`.
    func addresses(asOf node: [String]) -> [String] {
        let primary = node.first.flatMap { IPAddress($0) }?.family ?? .ipv4
        return [primary, primary.other].compactMap { family in ips.first { IPAddress($0)?.family == family } }
    }
}
