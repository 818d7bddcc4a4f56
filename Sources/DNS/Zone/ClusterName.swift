/// The names that the DNS specification of Kubernetes gives to what a cluster has.
enum ClusterName {
    /// What this is an implementation of.
    static let specificationVersion = "1.1.0"

    static func service(_ name: String, _ namespace: String, _ apex: Name) -> Name? {
        Name(labels: [name, namespace, "svc"], under: apex)
    }

    /// `_https._tcp` before the name of the Service.
    static func port(_ port: String, _ networkProtocol: String, _ service: Name) -> Name? {
        Name(labels: ["_\(port)", "_\(networkProtocol)"], under: service)
    }

    /// The name server of the cluster.
    static func server(_ apex: Name) -> Name? { Name(labels: ["ns", "dns"], under: apex) }

    /// An address as a label: `10-0-0-1`, `fd00--1`.
    static func label(_ address: String) -> String { String(address.map { $0 == "." || $0 == ":" ? "-" : $0 }) }

    /// The name that leads from an address to other names: `1.0.0.10.in-addr.arpa`.
    static func reverse(_ address: [UInt8]) -> Name? {
        if address.count == 4 { return Name(labels: address.reversed().map { String($0) } + ["in-addr", "arpa"], under: .root) }
        let digits = address.reversed().flatMap { [$0 & 15, $0 >> 4] }
        return Name(labels: digits.map { String($0, radix: 16) } + ["ip6", "arpa"], under: .root)
    }

    /// What the zone has whatever is in the cluster.
    ///
    /// - Parameter serverAddresses: of the Service that the servers are reached by.
    static func apexRecords(_ zone: Zone, serverAddresses: [[UInt8]]) -> ZoneTable.Records {
        let apex = zone.apex
        var records: ZoneTable.Records = [apex: [zone.authority]]
        if let server = server(apex) {
            records[apex]?.append(RecordSet(.ns, timeToLive: Zone.timeToLive, [server.bytes]))
            records[server] = serverAddresses.map { RecordSet($0.count == 4 ? .a : .aaaa, timeToLive: Zone.timeToLive, [$0]) }
        }
        for name in ["svc", "pod"].compactMap({ Name(labels: [$0], under: apex) }) { records[name] = [] }
        if let version = Name(labels: ["dns-version"], under: apex) {
            let text = Array(specificationVersion.utf8)
            records[version] = [RecordSet(.txt, timeToLive: 28800, [[UInt8(text.count)] + text])]
        }
        return records
    }
}
