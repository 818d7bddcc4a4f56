internal import APIModel
internal import PluginAPI

/// A port of the Node that a Pod wants for itself.
struct HostPort: Equatable {
    /// One of APUS_PROTOCOL_….
    let networkProtocol: Int32
    let port: Int32
    /// Empty for every address.
    let ip: String

    private static let protocols: [String: Int32] = ["TCP": APUS_PROTOCOL_TCP, "UDP": APUS_PROTOCOL_UDP, "SCTP": APUS_PROTOCOL_SCTP]

    /// Those of all containers that run as long as the Pod.
    static func all(in spec: Value) -> [HostPort] {
        let staying = spec["initContainers"].elements.filter { $0["restartPolicy"].string == "Always" }
        return (spec["containers"].elements + staying).flatMap { $0["ports"].elements }.compactMap { port in
            guard let number = port["hostPort"].int, number > 0 else { return nil }
            let ip = port["hostIP"].string ?? ""
            return HostPort(
                networkProtocol: protocols[port["protocol"].string ?? "TCP"] ?? APUS_PROTOCOL_TCP, port: Int32(number),
                ip: ip == "0.0.0.0" ? "" : ip)
        }
    }
}
