internal import APIModel
internal import PluginAPI

/// Lays the wanted state out as the C arrays of `apus/proxy.h` for the duration of a call.
enum WantedServices {
    static func withArrays<Result>(
        _ wanted: ServiceTable.Wanted, nodeAddresses: [IPAddress], nodePortNetworks: [IPNetwork], podCIDR: String,
        _ body: (UnsafePointer<apus_services>) throws -> Result
    ) rethrows -> Result {
        var text = TextArena()
        var addresses = nodeAddresses.map { apus_address($0) }
        addresses += nodePortNetworks.map { apus_address($0.base, prefix: UInt8($0.bits)) }
        var endpoints: [apus_endpoint] = []
        var services: [apus_service_port] = []
        var spans: [[TextArena.Span]] = []
        for row in wanted.rows {
            let port = row.port
            var service = apus_service_port()
            service.id = row.id
            service.protocol = protocolNumbers[port.networkProtocol] ?? 6
            service.port = port.port
            service.node_port = port.nodePort
            service.affinity_seconds = port.affinitySeconds
            service.health_check_node_port = port.healthCheckNodePort
            service.flags =
                (port.externalLocal ? UInt32(APUS_SERVICE_EXTERNAL_LOCAL) : 0)
                | (port.internalLocal ? UInt32(APUS_SERVICE_INTERNAL_LOCAL) : 0)
                | (row.isChanged ? UInt32(APUS_SERVICE_CHANGED) : 0)
            service.cluster_ip = apus_address(port.clusterIP)
            let external = port.externalIPs + port.balancerAddresses
            service.external_first = UInt32(addresses.count)
            service.external_count = UInt32(external.count)
            service.balancer_count = UInt32(port.balancerAddresses.count)
            addresses += external.map { apus_address($0) }
            service.source_first = UInt32(addresses.count)
            service.source_count = UInt32(port.sourceRanges.count)
            addresses += port.sourceRanges.map { apus_address($0.base, prefix: UInt8($0.bits)) }
            service.endpoint_first = UInt32(endpoints.count)
            for endpoint in port.endpoints {
                let flags: [(Bool, UInt32)] = [
                    (endpoint.isReady, UInt32(APUS_ENDPOINT_READY)), (endpoint.isServing, UInt32(APUS_ENDPOINT_SERVING)),
                    (endpoint.isTerminating, UInt32(APUS_ENDPOINT_TERMINATING)), (endpoint.isLocal, UInt32(APUS_ENDPOINT_LOCAL)),
                ]
                endpoints.append(
                    apus_endpoint(
                        address: apus_address(endpoint.address), port: endpoint.port, flags: flags.reduce(0) { $0 | ($1.0 ? $1.1 : 0) }))
            }
            service.endpoint_count = UInt32(endpoints.count) - service.endpoint_first
            services.append(service)
            spans.append([text.add(port.namespace), text.add(port.service), text.add(port.name)])
        }
        let cidr = text.add(podCIDR)
        return try text.bytes.withUnsafeBufferPointer { bytes in
            for index in services.indices {
                services[index].namespace_ = bytes.borrowed(spans[index][0])
                services[index].name = bytes.borrowed(spans[index][1])
                services[index].port_name = bytes.borrowed(spans[index][2])
            }
            return try services.withUnsafeBufferPointer { services in
                try endpoints.withUnsafeBufferPointer { endpoints in
                    try addresses.withUnsafeBufferPointer { addresses in
                        try wanted.removed.withUnsafeBufferPointer { removed in
                            var all = apus_services()
                            all.size = UInt32(MemoryLayout<apus_services>.size)
                            all.generation = wanted.generation
                            all.previous = wanted.previous
                            all.services = services.baseAddress
                            all.service_count = UInt32(services.count)
                            all.endpoints = endpoints.baseAddress
                            all.endpoint_count = UInt32(endpoints.count)
                            all.addresses = addresses.baseAddress
                            all.address_count = UInt32(addresses.count)
                            all.node_address_count = UInt32(nodeAddresses.count)
                            all.node_port_network_count = UInt32(nodePortNetworks.count)
                            all.removed = removed.baseAddress
                            all.removed_count = UInt32(removed.count)
                            all.pod_cidr = bytes.borrowed(cidr)
                            return try withUnsafePointer(to: all, body)
                        }
                    }
                }
            }
        }
    }

    /// IP protocol numbers, as IANA assigns them.
    private static let protocolNumbers: [String: Int32] = ["TCP": 6, "UDP": 17, "SCTP": 132]
}

/// Strings laid end to end, so that all of them can be lent with one pointer.
private struct TextArena {
    typealias Span = Range<Int>
    private(set) var bytes: [UInt8] = []

    mutating func add(_ text: String) -> Span {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        return start..<bytes.count
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate func borrowed(_ span: Range<Int>) -> apus_borrowed {
        apus_borrowed(bytes: span.isEmpty ? nil : baseAddress.map { $0 + span.lowerBound }, count: UInt64(span.count))
    }
}

extension apus_address {
    /// - Parameter prefix: of a network; 0 for an address.
    fileprivate init(_ address: IPAddress, prefix: UInt8 = 0) {
        self.init()
        family = address.family == .ipv4 ? 4 : 6
        self.prefix = prefix
        let number = address.family == .ipv4 ? address.number << 96 : address.number
        withUnsafeMutableBytes(of: &bytes) { $0.storeBytes(of: number.bigEndian, as: UInt128.self) }
    }
}
