public import PluginAPI

/// One port of one Service, copied out of the ABI's arrays: addresses as text, and which endpoints its policies allow. Of IPv4.
public struct WantedService: Equatable, Sendable {
    public struct Endpoint: Equatable, Sendable {
        public var address: String
        public var port: UInt32
        public var isLocal: Bool
        /// Others get traffic only where no endpoint is.
        public var isReady: Bool
    }

    public var id: UInt64
    /// `tcp`, `udp` or `sctp`.
    public var networkProtocol: String
    public var port: UInt32
    /// 0 is none.
    public var nodePort: UInt32
    /// 0 is no affinity.
    public var affinitySeconds: UInt32
    public var isExternalLocal: Bool
    public var isInternalLocal: Bool
    public var clusterIP: String
    public var externalAddresses: [String]
    /// Of those: the load balancers'.
    public var balancerAddresses: [String]
    /// Who may come to those, `192.0.2.0/24`; `nil` means everybody.
    public var sourceRanges: [String]?
    public var endpoints: [Endpoint]

    /// The endpoints of the policy `Cluster`.
    public var clusterEndpoints: [Endpoint] { Self.best(endpoints) }
    /// The endpoints that traffic to the ClusterIP may go to.
    public var internalEndpoints: [Endpoint] { isInternalLocal ? localEndpoints : clusterEndpoints }
    /// The endpoints that traffic from outside may go to.
    public var externalEndpoints: [Endpoint] { isExternalLocal ? localEndpoints : clusterEndpoints }

    private var localEndpoints: [Endpoint] { Self.best(endpoints.filter(\.isLocal)) }

    private static func best(_ endpoints: [Endpoint]) -> [Endpoint] {
        let ready = endpoints.filter(\.isReady)
        return ready.isEmpty ? endpoints : ready
    }
}

extension WantedService {
    /// Copies one row, `nil` for a ClusterIP that is none of IPv4, and for protocols without ports. IPv6 addresses of the row are left out.
    public init?(_ row: apus_service_port, in wanted: Services) {
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
