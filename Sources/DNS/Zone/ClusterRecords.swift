import APIModel

/// The records of one object, as the DNS specification of Kubernetes has them. Pure: the same object gives the same records.
struct ClusterRecords {
    let apex: Name
    private(set) var records: ZoneTable.Records = [:]

    private init(_ apex: Name) { self.apex = apex }

    // MARK: Objects

    /// A Service's own: its addresses, its named ports, or the name it stands for. A headless one has what its slices have.
    static func service(_ service: Value, _ apex: Name) -> ZoneTable.Records {
        var records = ClusterRecords(apex)
        let spec = service["spec"]
        guard let base = base(of: service, apex) else { return [:] }
        if spec["type"].string == "ExternalName" {
            // What looks like an address is no name, and is not resolved by upstream's either.
            if let target = spec["externalName"].string, IPLiteral.bytes(target) == nil, let name = Name(target) {
                records.add(base, .cname, name.bytes)
            }
            return records.records
        }
        guard !isHeadless(service) else { return [:] }
        let addresses = spec["clusterIPs"].elements.isEmpty ? [spec["clusterIP"]] : spec["clusterIPs"].elements
        for address in addresses.compactMap(\.string).compactMap(IPLiteral.bytes) {
            records.add(base, address: address)
            records.add(ClusterName.reverse(address), .ptr, base.bytes)
        }
        guard !records.records.isEmpty else { return [:] }
        for port in spec["ports"].elements { records.add(port, of: base, at: base) }
        return records.records
    }

    /// What the ready endpoints of one slice have, which is a Service's.
    static func slice(_ slice: Value, of service: Value, _ apex: Name) -> ZoneTable.Records {
        var records = ClusterRecords(apex)
        guard let base = base(of: service, apex), service["spec"]["type"].string != "ExternalName" else { return [:] }
        let isHeadless = isHeadless(service)
        for endpoint in slice["endpoints"].elements where endpoint["conditions"]["ready"].bool ?? true {
            for text in endpoint["addresses"].elements.compactMap(\.string) {
                guard let address = IPLiteral.bytes(text) else { continue }
                let label = endpoint["hostname"].string.flatMap { $0.isEmpty ? nil : $0 } ?? ClusterName.label(text)
                guard let host = Name(labels: [label], under: base) else { continue }
                records.add(host, address: address)
                guard isHeadless else { continue }
                records.add(base, address: address)
                records.add(ClusterName.reverse(address), .ptr, host.bytes)
                for port in slice["ports"].elements { records.add(port, of: base, at: host) }
            }
        }
        return records.records
    }

    /// A Pod that has an address and has not ended.
    static func pod(_ pod: Value, _ apex: Name) -> ZoneTable.Records {
        var records = ClusterRecords(apex)
        let status = pod["status"]
        guard let namespace = pod["metadata"]["namespace"].string, !["Succeeded", "Failed"].contains(status["phase"].string) else {
            return [:]
        }
        let addresses = status["podIPs"].elements.isEmpty ? [status["podIP"]] : status["podIPs"].elements.map { $0["ip"] }
        for text in addresses.compactMap(\.string) {
            guard let address = IPLiteral.bytes(text) else { continue }
            records.add(Name(labels: [ClusterName.label(text), namespace, "pod"], under: apex), address: address)
        }
        return records.records
    }

    /// A Namespace has names below it, whether anything is in it or not.
    static func namespace(_ name: String, _ apex: Name) -> ZoneTable.Records {
        Dictionary(uniqueKeysWithValues: ["svc", "pod"].compactMap { Name(labels: [name, $0], under: apex) }.map { ($0, []) })
    }

    // MARK: Records

    static func isHeadless(_ service: Value) -> Bool { service["spec"]["clusterIP"].string == "None" }

    private static func base(of service: Value, _ apex: Name) -> Name? {
        guard let name = service["metadata"]["name"].string, let namespace = service["metadata"]["namespace"].string else { return nil }
        return ClusterName.service(name, namespace, apex)
    }

    private mutating func add(_ name: Name?, address: [UInt8]) { add(name, address.count == 4 ? .a : .aaaa, address) }

    /// A port with a name, on `host`.
    private mutating func add(_ port: Value, of service: Name, at host: Name) {
        guard let name = port["name"].string, !name.isEmpty, let number = port["port"].int.flatMap({ UInt16(exactly: $0.int64) })
        else { return }
        // Priority 0, weight 100.
        let data = [0, 0, 0, 100, UInt8(number >> 8), UInt8(number & 255)] + host.bytes
        add(ClusterName.port(name, port["protocol"].string ?? "TCP", service), .srv, data)
    }

    private mutating func add(_ name: Name?, _ type: RecordType, _ data: [UInt8]) {
        guard let name else { return }
        if let index = records[name]?.firstIndex(where: { $0.type == type }) {
            records[name]?[index].append(data[...])
        } else {
            records[name, default: []].append(RecordSet(type, timeToLive: Zone.timeToLive, [data]))
        }
    }
}
