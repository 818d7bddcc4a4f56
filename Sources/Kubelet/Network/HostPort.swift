import APIModel

/// A port of the node that leads to one of a pod's.
struct HostPort: Hashable, Sendable {
    /// `tcp`, `udp` or `sctp`.
    var transport: String
    /// The node's address it is on; `nil` for all of them.
    var address: String?
    var port: Whole
    var podAddress: String
    var podPort: Whole

    /// Of both addresses.
    var family: IPFamily

    /// Those of a pod with a network of its own, in each family that it has an address of. One that is on an address of the node is in that
    /// one's family alone, also on every address of it, `0.0.0.0` or `::`.
    static func all(of pod: Pod, addresses: [String]) -> [HostPort] {
        guard !pod.usesHostNetwork else { return [] }
        let ports = pod.containers.flatMap { $0["ports"].elements }
        return addresses.compactMap { IPAddress($0) }.flatMap { address in ports.compactMap { HostPort($0, to: address) } }
    }

    private init?(_ port: Value, to pod: IPAddress) {
        guard let number = port["hostPort"].int, (1...65535).contains(number), let own = port["containerPort"].int,
            (1...65535).contains(own), let transport = Self.transports[port["protocol"].string ?? "TCP"]
        else { return nil }
        if let given = port["hostIP"].string, !given.isEmpty {
            guard let host = IPAddress(given), host.family == pod.family else { return nil }
            address = host.number == 0 ? nil : host.description
        }
        (self.transport, self.port, podAddress, podPort, family) = (transport, number, pod.description, own, pod.family)
    }

    private static let transports = ["TCP": "tcp", "UDP": "udp", "SCTP": "sctp"]
}
