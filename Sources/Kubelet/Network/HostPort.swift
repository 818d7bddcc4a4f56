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

    /// Those of a pod with a network of its own. IPv4 only: what has another address is left out.
    static func all(of pod: Pod, address: String) -> [HostPort] {
        guard !pod.usesHostNetwork, isIPv4(address) else { return [] }
        return pod.containers.flatMap { $0["ports"].elements }.compactMap { port in
            guard let number = port["hostPort"].int, (1...65535).contains(number), let own = port["containerPort"].int,
                (1...65535).contains(own), let transport = transports[port["protocol"].string ?? "TCP"]
            else { return nil }
            let given = port["hostIP"].string.flatMap { $0.isEmpty || $0 == "0.0.0.0" || $0 == "::" ? nil : $0 }
            if let given, !isIPv4(given) { return nil }
            return HostPort(transport: transport, address: given, port: number, podAddress: address, podPort: own)
        }
    }

    private static let transports = ["TCP": "tcp", "UDP": "udp", "SCTP": "sctp"]

    private static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0).map { String($0) } == String($0) }
    }
}
