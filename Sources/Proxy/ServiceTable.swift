package import APIModel

/// Everything the proxy has to carry, kept up to date by changes, and what differs from the state that was last put in force.
///
/// A plain value: the loop around it owns the only copy. A change costs what changed, however much there is beside it.
package struct ServiceTable {
    struct Row: Equatable {
        var id: UInt64
        var port: ServicePort
    }

    /// The newest state, as the difference to the one that is in force.
    package struct Wanted {
        var generation: UInt64
        /// The one that is in force; 0 where that is not known: then all there is has changed.
        var previous: UInt64
        /// Ordered by id, as all ids here.
        var changed: [Row]
        var removed: [UInt64]

        var isEmpty: Bool { changed.isEmpty && removed.isEmpty }
    }

    private var services: [String: Value] = [:]
    private var slices: [String: [String: Value]] = [:]
    private var dirty: Set<String> = []
    /// By identity, of what is wanted or in force.
    private var ids: [String: UInt64] = [:]
    private var lastID: UInt64 = 0
    /// Whose ports are wanted, by Service.
    private var idsOfService: [String: [UInt64]] = [:]
    private var ports: [UInt64: ServicePort] = [:]
    private var inForce: [UInt64: ServicePort] = [:]
    /// What is wanted otherwise than it is in force.
    private var different: Set<UInt64> = []
    private var healthChecks: [UInt64: ServicePort] = [:]
    private var generation: UInt64 = 0
    private var lastInForce: UInt64 = 0
    private let nodeName: String
    private var zone = ""

    package init(nodeName: String) { self.nodeName = nodeName }

    /// The node is in `zone` now, which every Service's hints are compared with. Returns whether it was elsewhere before.
    mutating func setZone(_ zone: String) -> Bool {
        guard zone != self.zone else { return false }
        self.zone = zone
        dirty.formUnion(services.keys)
        return true
    }

    package mutating func setService(_ key: String, _ service: Value?) {
        services[key] = service
        dirty.insert(key)
    }

    /// - Parameter service: `namespace/name` of the Service the slice is for.
    package mutating func setSlice(_ name: String, of service: String, _ slice: Value?) {
        slices[service, default: [:]][name] = slice
        if slices[service]?.isEmpty == true { slices[service] = nil }
        dirty.insert(service)
    }

    /// How many ids are kept in mind.
    var idCount: Int { ids.count }
    /// The wanted ports of Services that say at a node port of their own whether this node has endpoints.
    var healthChecked: [ServicePort] { Array(healthChecks.values) }

    package mutating func wanted() -> Wanted {
        for key in dirty {
            let found =
                services[key].map {
                    ServicePort.ports(of: $0, slices: Array((slices[key] ?? [:]).values), nodeName: nodeName, zone: zone)
                } ?? []
            let before = idsOfService.removeValue(forKey: key) ?? []
            let now = found.map { identify($0) }
            for (id, port) in zip(now, found) { want(port, id) }
            for id in before where !now.contains(id) { want(nil, id) }
            if !now.isEmpty { idsOfService[key] = now }
        }
        dirty.removeAll()
        generation += 1
        var wanted = Wanted(generation: generation, previous: lastInForce, changed: [], removed: [])
        for id in different.sorted() {
            if let port = ports[id] { wanted.changed.append(Row(id: id, port: port)) } else { wanted.removed.append(id) }
        }
        return wanted
    }

    /// `wanted` is in force: the next difference is against it.
    package mutating func didPutInForce(_ wanted: Wanted) {
        for row in wanted.changed { inForce[row.id] = row.port }
        for id in wanted.removed {
            let gone = inForce.removeValue(forKey: id)
            if ports[id] == nil { forget(gone) }
        }
        lastInForce = wanted.generation
        different = different.filter { inForce[$0] != ports[$0] }
    }

    /// What is in force is not known any more: the next state is written anew.
    mutating func forgetInForce() {
        for (id, port) in inForce where ports[id] == nil { forget(port) }
        inForce = [:]
        lastInForce = 0
        different = Set(ports.keys)
    }

    private mutating func want(_ port: ServicePort?, _ id: UInt64) {
        let before = ports[id]
        ports[id] = port
        healthChecks[id] = port?.healthCheckNodePort == 0 ? nil : port
        let current = inForce[id]
        if port == current { different.remove(id) } else { different.insert(id) }
        if port == nil, current == nil { forget(before) }
    }

    private mutating func identify(_ port: ServicePort) -> UInt64 {
        let identity = port.identity
        if let id = ids[identity] { return id }
        lastID += 1
        ids[identity] = lastID
        return lastID
    }

    private mutating func forget(_ port: ServicePort?) {
        if let port { ids[port.identity] = nil }
    }
}
