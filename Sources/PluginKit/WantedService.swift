public import APIModel
public import PluginAPI

/// One port of one Service at its ClusterIP of one family, copied out of the ABI's arrays: addresses as text, and which endpoints its policies
/// allow.
public struct WantedService: Equatable, Sendable {
    public struct Endpoint: Equatable, Sendable {
        public var address: String
        public var port: UInt32
        public var isLocal: Bool
        /// Others get traffic only where no endpoint is.
        public var isReady: Bool

        public init(address: String, port: UInt32, isLocal: Bool = false, isReady: Bool = true) {
            self.address = address
            self.port = port
            self.isLocal = isLocal
            self.isReady = isReady
        }

        /// `10.244.0.7:80`, `[fd00::7]:80`
        public var place: String { WantedService.place(address, port) }
    }

    public var id: UInt64
    /// Of all its addresses.
    public var family: IPFamily
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

    /// Without addresses but the ClusterIP, policies and endpoints.
    public init(id: UInt64, _ networkProtocol: String, _ clusterIP: IPAddress, port: UInt32) {
        self.id = id
        self.networkProtocol = networkProtocol
        self.clusterIP = clusterIP.description
        self.port = port
        family = clusterIP.family
        (nodePort, affinitySeconds, isExternalLocal, isInternalLocal) = (0, 0, false, false)
        (externalAddresses, balancerAddresses, sourceRanges, endpoints) = ([], [], nil, [])
    }

    /// An address and a port, in brackets where the address has colons.
    public static func place(_ address: String, _ port: UInt32) -> String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

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
    /// Copies one row, `nil` for one without ClusterIP, and for protocols without ports. Addresses of another family than the ClusterIP's are
    /// left out.
    public init?(_ row: apus_service_port, in wanted: Services) {
        guard let protocolName = Self.protocolNames[row.protocol], let clusterIP = IPAddress(row.cluster_ip) else { return nil }
        let family = clusterIP.family
        func text(_ address: apus_address) -> String? {
            IPAddress(address).flatMap { $0.family == family ? $0.description : nil }
        }
        id = row.id
        self.family = family
        networkProtocol = protocolName
        port = row.port
        nodePort = row.node_port
        affinitySeconds = row.affinity_seconds
        isExternalLocal = row.isExternalLocal
        isInternalLocal = row.isInternalLocal
        self.clusterIP = clusterIP.description
        externalAddresses = wanted.externalAddresses(of: row).compactMap(text)
        balancerAddresses = wanted.balancerAddresses(of: row).compactMap(text)
        let sources = wanted.sourceRanges(of: row)
        sourceRanges = sources.isEmpty ? nil : sources.compactMap { source in text(source).map { "\($0)/\(source.prefix)" } }
        endpoints = wanted.endpoints(of: row).compactMap { endpoint in
            text(endpoint.address).map { Endpoint(address: $0, port: endpoint.port, isLocal: endpoint.isLocal, isReady: endpoint.isReady) }
        }
    }

    private static let protocolNames: [Int32: String] = [6: "tcp", 17: "udp", 132: "sctp"]
}

extension IPAddress {
    /// `nil` for what the ABI has in place of none.
    public init?(_ address: apus_address) {
        let number = withUnsafeBytes(of: address.bytes) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
        switch address.family {
        case 4: self.init(.ipv4, number >> 96)
        case 6: self.init(.ipv6, number)
        default: return nil
        }
    }
}
