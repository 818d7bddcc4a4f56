package import APIModel
package import PluginAPI

/// The wanted state as the C arrays of `apus/proxy.h`, kept from call to call: a change costs what changed.
package struct WantedServices {
    private let nodeAddressCount: Int
    private let nodePortNetworkCount: Int
    private let podCIDR: LentText
    /// Ordered by id.
    private var services: [apus_service_port] = []
    private var names: [UInt64: [LentText]] = [:]
    private var endpoints = Pieces<apus_endpoint>()
    private var addresses: Pieces<apus_address>
    /// Ids of those that say that they changed.
    private var flagged: [UInt64] = []

    package init(nodeAddresses: [IPAddress], nodePortNetworks: [IPNetwork], podCIDR: String) {
        (nodeAddressCount, nodePortNetworkCount) = (nodeAddresses.count, nodePortNetworks.count)
        self.podCIDR = LentText(podCIDR)
        addresses = Pieces(fixed: nodeAddresses.map { apus_address($0) } + nodePortNetworks.map { apus_address($0) })
    }

    /// Lends all that is wanted after this difference to the state that was lent before, or to none.
    package mutating func withArrays<Result>(
        _ wanted: ServiceTable.Wanted, _ body: (UnsafePointer<apus_services>) throws -> Result
    ) rethrows -> Result {
        apply(wanted)
        return try services.withUnsafeBufferPointer { services in
            try endpoints.all.withUnsafeBufferPointer { endpoints in
                try addresses.all.withUnsafeBufferPointer { addresses in
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
                        all.node_address_count = UInt32(nodeAddressCount)
                        all.node_port_network_count = UInt32(nodePortNetworkCount)
                        all.removed = removed.baseAddress
                        all.removed_count = UInt32(removed.count)
                        all.pod_cidr = podCIDR.borrowed
                        return try withUnsafePointer(to: all, body)
                    }
                }
            }
        }
    }

    private mutating func apply(_ wanted: ServiceTable.Wanted) {
        if wanted.previous == 0 {
            (services, names, flagged) = ([], [:], [])
            endpoints.removeAll()
            addresses.removeAll()
        }
        for id in flagged { services[place(of: id)].flags &= ~UInt32(APUS_SERVICE_CHANGED) }
        for id in wanted.removed { remove(id) }
        for row in wanted.changed { put(row) }
        flagged = wanted.changed.map(\.id)
        if endpoints.isSparse || addresses.isSparse { pack() }
    }

    /// Where `id` is, or would be.
    private func place(of id: UInt64) -> Int {
        var (low, high) = (0, services.count)
        while low < high {
            let middle = (low + high) / 2
            if services[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func has(_ id: UInt64, at place: Int) -> Bool { place < services.count && services[place].id == id }

    private mutating func remove(_ id: UInt64) {
        let place = place(of: id)
        guard has(id, at: place) else { return }
        let gone = services.remove(at: place)
        names[id] = nil
        endpoints.leave(gone.endpoint_count)
        addresses.leave(gone.external_count + gone.source_count)
    }

    private mutating func put(_ row: ServiceTable.Row) {
        let place = place(of: row.id)
        let before = has(row.id, at: place) ? services[place] : nil
        endpoints.leave(before?.endpoint_count ?? 0)
        addresses.leave((before?.external_count ?? 0) + (before?.source_count ?? 0))

        let port = row.port
        var service = before ?? named(row)
        service.protocol = Self.protocolNumbers[port.networkProtocol] ?? 6
        service.port = port.port
        service.node_port = port.nodePort
        service.affinity_seconds = port.affinitySeconds
        service.health_check_node_port = port.healthCheckNodePort
        service.flags =
            UInt32(APUS_SERVICE_CHANGED) | (port.externalLocal ? UInt32(APUS_SERVICE_EXTERNAL_LOCAL) : 0)
            | (port.internalLocal ? UInt32(APUS_SERVICE_INTERNAL_LOCAL) : 0)
        service.cluster_ip = apus_address(port.clusterIP)
        let external = port.externalIPs + port.balancerAddresses
        service.external_first = addresses.append(external.map { apus_address($0) })
        service.external_count = UInt32(external.count)
        service.balancer_count = UInt32(port.balancerAddresses.count)
        service.source_first = addresses.append(port.sourceRanges.map { apus_address($0) })
        service.source_count = UInt32(port.sourceRanges.count)
        service.endpoint_first = endpoints.append(port.endpoints.map { apus_endpoint($0) })
        service.endpoint_count = UInt32(port.endpoints.count)
        if before == nil { services.insert(service, at: place) } else { services[place] = service }
    }

    /// What an id stands for never changes.
    private mutating func named(_ row: ServiceTable.Row) -> apus_service_port {
        let texts = [row.port.namespace, row.port.service, row.port.name].map { LentText($0) }
        names[row.id] = texts
        var service = apus_service_port()
        service.id = row.id
        (service.namespace_, service.name, service.port_name) = (texts[0].borrowed, texts[1].borrowed, texts[2].borrowed)
        return service
    }

    private mutating func pack() {
        let (oldEndpoints, oldAddresses) = (endpoints.all, addresses.all)
        func piece<Element>(_ all: [Element], _ first: UInt32, _ count: UInt32) -> ArraySlice<Element> {
            all[Int(first)..<Int(first + count)]
        }
        endpoints.removeAll()
        addresses.removeAll()
        for index in services.indices {
            let service = services[index]
            services[index].endpoint_first = endpoints.append(piece(oldEndpoints, service.endpoint_first, service.endpoint_count))
            services[index].external_first = addresses.append(piece(oldAddresses, service.external_first, service.external_count))
            services[index].source_first = addresses.append(piece(oldAddresses, service.source_first, service.source_count))
        }
    }

    /// IP protocol numbers, as IANA assigns them.
    private static let protocolNumbers: [String: Int32] = ["TCP": 6, "UDP": 17, "SCTP": 132]
}

/// What many own, one after the other. What somebody owns anew is put at the end, and what it takes the place of is left behind for a while.
private struct Pieces<Element> {
    private(set) var all: [Element]
    /// So many at the beginning are nobody's and stay.
    private let fixed: Int
    private var left = 0

    init(fixed: [Element] = []) { (all, self.fixed) = (fixed, fixed.count) }

    /// Whether it is time to lay all of it out anew.
    var isSparse: Bool { left > max(all.count / 2, 100) }

    /// Returns where it begins.
    mutating func append(_ piece: some Collection<Element>) -> UInt32 {
        all += piece
        return UInt32(all.count - piece.count)
    }

    mutating func leave(_ count: UInt32) { left += Int(count) }

    mutating func removeAll() {
        all.removeSubrange(fixed...)
        left = 0
    }
}

/// A text that stays where it is in memory.
private final class LentText {
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) {
        bytes = .allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
    }

    /// For as long as this lives.
    var borrowed: apus_borrowed { apus_borrowed(bytes: bytes.isEmpty ? nil : UnsafePointer(bytes.baseAddress), count: UInt64(bytes.count)) }

    deinit { bytes.deallocate() }
}

extension apus_endpoint {
    fileprivate init(_ endpoint: ServicePort.Endpoint) {
        let flags: [(Bool, UInt32)] = [
            (endpoint.isReady, UInt32(APUS_ENDPOINT_READY)), (endpoint.isServing, UInt32(APUS_ENDPOINT_SERVING)),
            (endpoint.isTerminating, UInt32(APUS_ENDPOINT_TERMINATING)), (endpoint.isLocal, UInt32(APUS_ENDPOINT_LOCAL)),
        ]
        self.init(address: apus_address(endpoint.address), port: endpoint.port, flags: flags.reduce(0) { $0 | ($1.0 ? $1.1 : 0) })
    }
}

extension apus_address {
    fileprivate init(_ network: IPNetwork) { self.init(network.base, prefix: UInt8(network.bits)) }

    /// - Parameter prefix: of a network; 0 for an address.
    fileprivate init(_ address: IPAddress, prefix: UInt8 = 0) {
        self.init()
        family = address.family == .ipv4 ? 4 : 6
        self.prefix = prefix
        let number = address.family == .ipv4 ? address.number << 96 : address.number
        withUnsafeMutableBytes(of: &bytes) { $0.storeBytes(of: number.bigEndian, as: UInt128.self) }
    }
}
