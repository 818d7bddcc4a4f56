internal import APIModel

/// Everything the proxy has to carry, kept up to date by changes, and what differs from the state that was last put in force.
///
/// A plain value: the loop around it owns the only copy.
struct ServiceTable {
    /// One row of the wanted state.
    struct Row: Equatable {
        var id: UInt64
        var port: ServicePort
        var isChanged: Bool
    }

    struct Wanted {
        var generation: UInt64
        var previous: UInt64
        var rows: [Row]
        var removed: [UInt64]
    }

    private var services: [String: Value] = [:]
    private var slices: [String: [String: Value]] = [:]
    private var ports: [String: [ServicePort]] = [:]
    private var dirty: Set<String> = []
    /// By identity, of what is wanted or in force.
    private var ids: [String: UInt64] = [:]
    private var lastID: UInt64 = 0
    private var inForce: [UInt64: ServicePort] = [:]
    private var generation: UInt64 = 0
    private var lastInForce: UInt64 = 0
    private let nodeName: String
    private var zone = ""

    init(nodeName: String) { self.nodeName = nodeName }

    /// The node is in `zone` now, which every Service's hints are compared with. Returns whether it was elsewhere before.
    mutating func setZone(_ zone: String) -> Bool {
        guard zone != self.zone else { return false }
        self.zone = zone
        dirty.formUnion(services.keys)
        return true
    }

    mutating func setService(_ key: String, _ service: Value?) {
        services[key] = service
        dirty.insert(key)
    }

    /// - Parameter service: `namespace/name` of the Service the slice is for.
    mutating func setSlice(_ name: String, of service: String, _ slice: Value?) {
        slices[service, default: [:]][name] = slice
        if slices[service]?.isEmpty == true { slices[service] = nil }
        dirty.insert(service)
    }

    /// How many ids are kept in mind.
    var idCount: Int { ids.count }

    /// The whole wanted state, with what is new in it.
    mutating func wanted() -> Wanted {
        for key in dirty {
            let found =
                services[key].map {
                    ServicePort.ports(of: $0, slices: Array((slices[key] ?? [:]).values), nodeName: nodeName, zone: zone)
                } ?? []
            ports[key] = found.isEmpty ? nil : found
        }
        dirty.removeAll()
        generation += 1
        var rows: [Row] = []
        for port in ports.values.joined() {
            let id = identify(port)
            rows.append(Row(id: id, port: port, isChanged: inForce[id] != port))
        }
        rows.sort { $0.id < $1.id }
        let present = Set(rows.lazy.map(\.id))
        // While nothing comes into force, what went before it ever did is nobody's.
        if ids.count > 2 * (rows.count + inForce.count) { ids = ids.filter { present.contains($0.value) || inForce[$0.value] != nil } }
        return Wanted(
            generation: generation, previous: lastInForce, rows: rows, removed: inForce.keys.filter { !present.contains($0) }.sorted())
    }

    /// `wanted` is in force: the next difference is against it.
    mutating func didPutInForce(_ wanted: Wanted) {
        inForce = Dictionary(uniqueKeysWithValues: wanted.rows.map { ($0.id, $0.port) })
        lastInForce = wanted.generation
        if ids.count > inForce.count { ids = ids.filter { inForce[$0.value] != nil } }
    }

    /// What is in force is not known any more: the next state is written anew.
    mutating func forgetInForce() {
        inForce = [:]
        lastInForce = 0
    }

    private mutating func identify(_ port: ServicePort) -> UInt64 {
        let identity = port.identity
        if let id = ids[identity] { return id }
        lastID += 1
        ids[identity] = lastID
        return lastID
    }
}
