internal import PluginAPI

/// One port of a Service, as a proxy gets to see it.
struct ServiceSample: Sendable {
    var id: UInt64
    var name: String
    var clusterIP: [UInt8]
    var port: UInt32 = 80
    var transport: Int32 = 6
    var nodePort: UInt32 = 0
    var affinitySeconds: UInt32 = 0
    var flags: UInt32 = 0
    var external: [[UInt8]] = []
    var endpoints: [(address: [UInt8], port: UInt32)] = []

    static func address(_ bytes: [UInt8]) -> apus_address {
        var address = apus_address()
        withUnsafeMutableBytes(of: &address.bytes) { $0.copyBytes(from: bytes) }
        address.family = bytes.isEmpty ? 0 : bytes.count == 4 ? 4 : 6
        return address
    }

    /// Lends the services as the structure of `apus/proxy.h`.
    static func lend<R>(
        _ services: [ServiceSample], generation: UInt64, previous: UInt64, changed: Set<UInt64>, removed: [UInt64],
        _ body: (UnsafePointer<apus_services>) throws -> R
    ) rethrows -> R {
        let memory = TableMemory()
        var addresses = [address(LoopbackServer.address)]
        var endpoints: [apus_endpoint] = []
        var rows: [apus_service_port] = []
        for service in services.sorted(by: { $0.id < $1.id }) {
            var row = apus_service_port()
            row.id = service.id
            row.namespace_ = memory.keep("conformance")
            row.name = memory.keep(service.name)
            row.port_name = memory.keep("main")
            row.protocol = service.transport
            row.port = service.port
            row.node_port = service.nodePort
            row.affinity_seconds = service.affinitySeconds
            row.flags = service.flags | (changed.contains(service.id) ? UInt32(APUS_SERVICE_CHANGED) : 0)
            row.cluster_ip = address(service.clusterIP)
            row.external_first = UInt32(addresses.count)
            row.external_count = UInt32(service.external.count)
            addresses += service.external.map(address)
            row.endpoint_first = UInt32(endpoints.count)
            row.endpoint_count = UInt32(service.endpoints.count)
            endpoints += service.endpoints.map {
                apus_endpoint(address: address($0.address), port: $0.port, flags: UInt32(APUS_ENDPOINT_READY | APUS_ENDPOINT_SERVING))
            }
            rows.append(row)
        }
        var all = apus_services()
        all.size = UInt32(MemoryLayout<apus_services>.size)
        all.generation = generation
        all.previous = previous
        all.services = memory.keepAny(rows)
        all.service_count = UInt32(rows.count)
        all.endpoints = memory.keepAny(endpoints)
        all.endpoint_count = UInt32(endpoints.count)
        all.addresses = memory.keepAny(addresses)
        all.address_count = UInt32(addresses.count)
        all.node_address_count = 1
        all.removed = memory.keepAny(removed)
        all.removed_count = UInt32(removed.count)
        all.pod_cidr = memory.keep("10.244.0.0/16")
        return try withExtendedLifetime(memory) { try withUnsafePointer(to: all, body) }
    }
}
