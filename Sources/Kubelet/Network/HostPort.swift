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

    /// Of all of them.
    var family: IPFamily { IPAddress(podAddress)?.family ?? .ipv4 }

    /// Those of a pod with a network of its own, by each of its addresses. A port on an address of the node leads to the pod's address of
    /// that family.
    static func all(of pod: Pod, addresses: [String]) -> [HostPort] {
        guard !pod.usesHostNetwork else { return [] }
        let addresses = addresses.compactMap { IPAddress($0) }
        return pod.containers.flatMap { $0["ports"].elements }.flatMap { port -> [HostPort] in
            guard let number = port["hostPort"].int, (1...65535).contains(number), let own = port["containerPort"].int,
                (1...65535).contains(own), let transport = transports[port["protocol"].string ?? "TCP"]
            else { return [] }
            let text = port["hostIP"].string ?? ""
            let given = IPAddress(text)
            guard text.isEmpty || given != nil else { return [] }
            let node = given.flatMap { $0.number == 0 ? nil : $0.description }
            return addresses.filter { $0.family == given?.family ?? $0.family }.map { address in
                HostPort(transport: transport, address: node, port: number, podAddress: address.description, podPort: own)
            }
        }
    }

    private static let transports = ["TCP": "tcp", "UDP": "udp", "SCTP": "sctp"]
}
