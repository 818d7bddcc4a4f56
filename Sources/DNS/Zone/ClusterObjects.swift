import APIModel

/// The objects that have names, kept up to date by changes, and the zone made of them.
///
/// A plain value: whoever is told of the changes owns the only copy. A change of a Service costs its slices; of a slice, its endpoints.
struct ClusterObjects {
    private(set) var table: ZoneTable
    private var services: [String: Object] = [:]
    /// By Service.
    private var slices: [String: [String: Object]] = [:]
    private let apex: Name

    init(apex: Name, serverAddresses: [[UInt8]] = []) {
        self.apex = apex
        table = ZoneTable(apex: apex, serverAddresses: serverAddresses)
    }

    var zone: Zone { table.zone }

    /// An object came, changed (both are given) or went.
    mutating func change(_ resource: GroupVersionResource, before: Object?, after: Object?) {
        guard let object = after ?? before else { return }
        let key = "\(object.namespace)/\(object.name)"
        switch resource {
        case .services:
            services[key] = after
            table.set("service \(key)", after.map { ClusterRecords.service($0.value, apex) } ?? [:])
            for (name, slice) in slices[key] ?? [:] { setRecords(of: slice, name, key) }
        case .endpointSlices:
            for (object, isThere) in [(before, false), (after, true)] {
                guard let object, let service = object.labels["kubernetes.io/service-name"] else { continue }
                setSlice(object, "\(object.namespace)/\(service)", isThere)
            }
        case .pods: table.set("pod \(key)", after.map { ClusterRecords.pod($0.value, apex) } ?? [:])
        case .namespaces: table.set("namespace \(key)", after == nil ? [:] : ClusterRecords.namespace(object.name, apex))
        default: break
        }
    }

    private mutating func setSlice(_ slice: Object, _ service: String, _ isThere: Bool) {
        slices[service, default: [:]][slice.name] = isThere ? slice : nil
        if slices[service]?.isEmpty == true { slices[service] = nil }
        if isThere { setRecords(of: slice, slice.name, service) } else { table.set("slice \(slice.namespace)/\(slice.name)", [:]) }
    }

    private mutating func setRecords(of slice: Object, _ name: String, _ service: String) {
        table.set(
            "slice \(slice.namespace)/\(name)", services[service].map { ClusterRecords.slice(slice.value, of: $0.value, apex) } ?? [:])
    }
}
