import APIModel

/// Services: addresses and ports are chosen on create and update; `ServiceAllocation` takes them, and lets go of them.
struct ServiceStrategy: Strategy {
    let allocator: ServiceAllocator

    func prepareForCreate(_ service: inout Value, _ target: Target, _ write: WriteContext) async throws {
        service["status"] = ["loadBalancer": .emptyObject]
        // Who knows one address alone means the list.
        if service["spec"]["clusterIPs"].isEmpty, !service["spec"]["clusterIP"].isEmpty {
            service["spec"]["clusterIPs"] = [service["spec"]["clusterIP"]]
        }
        // Only what is otherwise in order has anything chosen for it.
        try target.refuse(Validation.validate(service, resource: target.storage.stored))
        try target.refuse(families.fill(&service, old: nil))
        try choose(&service, target)
    }

    func prepareForUpdate(_ service: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        guard target.subresource.isEmpty else { return }
        Self.carryOver(&service, old: old)
        try target.refuse(Validation.validate(service, resource: target.storage.stored))
        try target.refuse(families.fill(&service, old: old))
        try target.refuse(Validation.validateUpdate(service, old: old, resource: target.storage.stored, subresource: nil))
        try choose(&service, target)
    }

    private var families: ServiceFamilies { ServiceFamilies(configured: allocator.families) }

    /// A client that sends a Service without what the server filled in does not mean to take it away.
    private static func carryOver(_ service: inout Value, old: Value) {
        let before = old["spec"]
        carryAddresses(&service["spec"], before)
        if !ServiceTraffic.comesFromOutside(service["spec"]),
            service[path: "spec", "externalTrafficPolicy"] == before["externalTrafficPolicy"]
        {
            service["spec"]["externalTrafficPolicy"] = .null
        }
        if usesNodePorts(service) {
            if usesNodePorts(old) { carryNodePorts(&service, old: old) }
            if needsHealthCheck(service), needsHealthCheck(old), service[path: "spec", "healthCheckNodePort"].isEmpty {
                service["spec"]["healthCheckNodePort"] = before["healthCheckNodePort"]
            }
        } else {
            dropNodePorts(&service, old: old)
        }
        if service[path: "spec", "type"].string != "LoadBalancer" {
            for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] where service["spec"][field] == before[field] {
                service["spec"][field] = .null
            }
        }
        if !needsHealthCheck(service), service[path: "spec", "healthCheckNodePort"] == before["healthCheckNodePort"] {
            service["spec"]["healthCheckNodePort"] = .null
        }
    }

    private static func carryAddresses(_ spec: inout Value, _ before: Value) {
        let (has, had) = (spec["type"].string != "ExternalName", before["type"].string != "ExternalName")
        let fields = ["clusterIP", "clusterIPs"]
        if has, had {
            for field in fields where spec[field].isEmpty { spec[field] = before[field] }
        }
        let isSame = (spec["clusterIP"].string ?? "") == (before["clusterIP"].string ?? "")
        // Who changes the one address, and knows nothing of the list, means the list, too.
        if !isSame, spec["clusterIPs"].elements == before["clusterIPs"].elements {
            spec["clusterIPs"] = spec["clusterIP"].isEmpty ? .null : [spec["clusterIP"]]
        }
        guard had, !has else { return }
        if fields.allSatisfy({ spec[$0] == before[$0] }) {
            for field in fields { spec[field] = .null }
        }
        for field in ["ipFamilies", "ipFamilyPolicy"] where spec[field] == before[field] { spec[field] = .null }
    }

    /// A port that is still there keeps its node port.
    private static func carryNodePorts(_ service: inout Value, old: Value) {
        let before = old[path: "spec", "ports"].elements
        for index in service[path: "spec", "ports"].elements.indices {
            let port = service["spec"]["ports"][index]
            guard port["nodePort"].isEmpty else { continue }
            let same = before.first { $0["port"] == port["port"] && $0["protocol"] == port["protocol"] }
            if let number = same?["nodePort"], !number.isEmpty { service["spec"]["ports"][index]["nodePort"] = number }
        }
    }

    private static func dropNodePorts(_ service: inout Value, old: Value) {
        let before = Set(old[path: "spec", "ports"].elements.compactMap { $0["nodePort"].int })
        for index in service[path: "spec", "ports"].elements.indices {
            if let number = service["spec"]["ports"][index]["nodePort"].int, number == 0 || before.contains(number) {
                service["spec"]["ports"][index]["nodePort"] = .null
            }
        }
    }

    private static func usesNodePorts(_ service: Value) -> Bool {
        switch service[path: "spec", "type"].string {
        case "NodePort": true
        case "LoadBalancer": service[path: "spec", "allocateLoadBalancerNodePorts"].bool ?? true
        default: false
        }
    }

    private static func needsHealthCheck(_ service: Value) -> Bool {
        service[path: "spec", "type"].string == "LoadBalancer" && service[path: "spec", "externalTrafficPolicy"].string == "Local"
    }

    /// Fills in addresses and ports that are free at this moment, after a look at those that the client asks for.
    private func choose(_ service: inout Value, _ target: Target) throws {
        guard service[path: "spec", "type"].string != "ExternalName" else { return }
        do throws(ServiceAllocator.Refusal) { try allocator.check(service) } catch { throw refusal(error, service, target) }
        for family in ServiceFamilies.missing(service) {
            guard let address = allocator.freeAddress(family) else {
                throw APIError.internalError("failed to allocate a serviceIP: range is full")
            }
            service["spec"]["clusterIPs"] = .array(service[path: "spec", "clusterIPs"].elements + [.string(address.description)])
        }
        service["spec"]["clusterIP"] = service["spec"]["clusterIPs"][0]
        try fillPorts(&service)
    }

    private func refusal(_ refusal: ServiceAllocator.Refusal, _ service: Value, _ target: Target) -> APIError {
        switch refusal {
        case .address(let address, let reason):
            let detail = "failed to allocate IP \(address): \(reason)"
            return target.invalid([.invalid("spec.clusterIPs", service[path: "spec", "clusterIPs"], detail)])
        case .port(let port, let reason):
            guard let index = service[path: "spec", "ports"].elements.firstIndex(where: { $0["nodePort"].int == Whole(port) }) else {
                return .internalError("failed to allocate requested HealthCheck NodePort \(port): \(reason)")
            }
            return target.invalid([.invalid(FieldPath("spec.ports[\(index)].nodePort"), .int(Int64(port)), reason)])
        }
    }

    private func fillPorts(_ service: inout Value) throws {
        guard Self.usesNodePorts(service) else { return }
        var taken: [Int] = []
        /// TCP and UDP on one port may share one node port.
        var byPort: [Whole: Value] = [:]
        let ports = service[path: "spec", "ports"].elements
        for (index, port) in ports.enumerated() {
            if let number = port["nodePort"].int, number > 0 {
                taken.append(Int(number))
                if let own = port["port"].int { byPort[own] = port["nodePort"] }
                continue
            }
            if let own = port["port"].int, let shared = byPort[own],
                !ports[..<index].contains(where: { $0["port"].int == own && $0["protocol"] == port["protocol"] })
            {
                service["spec"]["ports"][index]["nodePort"] = shared
                continue
            }
            guard let number = allocator.freePort(except: taken) else {
                throw APIError.internalError("failed to allocate a nodePort: range is full")
            }
            taken.append(number)
            service["spec"]["ports"][index]["nodePort"] = .int(Int64(number))
            if let own = port["port"].int { byPort[own] = .int(Int64(number)) }
        }
        guard Self.needsHealthCheck(service), service[path: "spec", "healthCheckNodePort"].isEmpty else { return }
        guard let number = allocator.freePort(except: taken) else {
            throw APIError.internalError("failed to allocate a nodePort: range is full")
        }
        service["spec"]["healthCheckNodePort"] = .int(Int64(number))
    }
}
