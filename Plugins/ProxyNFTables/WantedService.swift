internal import PluginAPI
internal import PluginKit

/// One port of one Service as the rules need it, copied out of the ABI's arrays.
struct WantedService: Equatable {
    struct Endpoint: Equatable {
        var address: String
        var port: UInt32
        var isLocal: Bool
        /// Others get traffic only where no endpoint is.
        var isReady: Bool
        /// `10.244.0.2 . 8080`, as nftables writes a pair.
        var pair: String { "\(address) . \(port)" }
    }

    var id: UInt64
    var networkProtocol: String
    var port: UInt32
    var nodePort: UInt32
    var affinitySeconds: UInt32
    var isExternalLocal: Bool
    var isInternalLocal: Bool
    var clusterIP: String
    var externalAddresses: [String]
    /// Of those: the load balancers'.
    var balancerAddresses: [String]
    /// Who may come to those, `192.0.2.0/24`; `nil` means everybody.
    var sourceRanges: [String]?
    var endpoints: [Endpoint]

    /// The endpoints of the policy `Cluster`.
    var clusterEndpoints: [Endpoint] { Self.best(endpoints) }
    /// The endpoints that traffic to the ClusterIP may go to.
    var internalEndpoints: [Endpoint] { isInternalLocal ? localEndpoints : clusterEndpoints }
    /// The endpoints that traffic from outside may go to.
    var externalEndpoints: [Endpoint] { isExternalLocal ? localEndpoints : clusterEndpoints }

    private var localEndpoints: [Endpoint] { Self.best(endpoints.filter(\.isLocal)) }

    private static func best(_ endpoints: [Endpoint]) -> [Endpoint] {
        let ready = endpoints.filter(\.isReady)
        return ready.isEmpty ? endpoints : ready
    }
}

extension WantedService {
    /// Copies one row, `nil` for what these tables do not carry: IPv6 and protocols without ports. IPv6 addresses of the row are left out.
    init?(_ row: apus_service_port, in wanted: Services) {
        guard let protocolName = Self.protocolNames[row.protocol], let clusterIP = ipv4(row.cluster_ip) else { return nil }
        id = row.id
        networkProtocol = protocolName
        port = row.port
        nodePort = row.node_port
        affinitySeconds = row.affinity_seconds
        isExternalLocal = row.isExternalLocal
        isInternalLocal = row.isInternalLocal
        self.clusterIP = clusterIP
        externalAddresses = wanted.externalAddresses(of: row).compactMap(ipv4)
        balancerAddresses = wanted.balancerAddresses(of: row).compactMap(ipv4)
        let sources = wanted.sourceRanges(of: row)
        sourceRanges = sources.isEmpty ? nil : sources.compactMap { source in ipv4(source).map { "\($0)/\(source.prefix)" } }
        endpoints = wanted.endpoints(of: row).compactMap { endpoint in
            ipv4(endpoint.address).map { Endpoint(address: $0, port: endpoint.port, isLocal: endpoint.isLocal, isReady: endpoint.isReady) }
        }
    }

    private static let protocolNames: [Int32: String] = [6: "tcp", 17: "udp", 132: "sctp"]
}

private func ipv4(_ address: apus_address) -> String? {
    guard address.family == 4 else { return nil }
    return "\(address.bytes.0).\(address.bytes.1).\(address.bytes.2).\(address.bytes.3)"
}
