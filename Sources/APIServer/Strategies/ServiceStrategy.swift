import APIModel

/// Services: addresses and ports are chosen on create and update; `ServiceAllocation` takes them, and lets go of them.
struct ServiceStrategy: Strategy {
    let allocator: ServiceAllocator

    func prepareForCreate(_ service: inout Value, _ target: Target, _ write: WriteContext) async throws {
        service["status"] = ["loadBalancer": .emptyObject]
        // Only what is otherwise in order has anything chosen for it.
        let errors = Validation.validate(service, resource: target.storage.stored)
        guard errors.isEmpty else { throw target.invalid(errors) }
        try fill(&service, target)
    }

    func prepareForUpdate(_ service: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        if target.subresource.isEmpty {
            Self.carryOver(&service, old: old)
            let errors = Validation.validateUpdate(service, old: old, resource: target.storage.stored, subresource: nil)
            guard errors.isEmpty else { throw target.invalid(errors) }
        }
        try fill(&service, target)
    }

    func validate(_ service: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        guard let old, target.subresource.isEmpty else { return [] }
        let (before, after) = (old["spec"], service["spec"])
        guard before["type"].string != "ExternalName", after["type"].string != "ExternalName" else { return [] }
        if before["clusterIP"] != after["clusterIP"], !before["clusterIP"].isEmpty {
            return [.invalid("spec.clusterIPs[0]", after["clusterIPs"], "may not change once set")]
        }
        return []
    }

    /// A client that sends a Service without what the server filled in does not mean to take it away.
    private static func carryOver(_ service: inout Value, old: Value) {
        let before = old["spec"]
        // Who changes the one address, and knows nothing of the list, means the list, too.
        if service["spec"]["clusterIPs"] == before["clusterIPs"], service["spec"]["clusterIP"] != before["clusterIP"] {
            service["spec"]["clusterIPs"] = service["spec"]["clusterIP"].isEmpty ? .null : [service["spec"]["clusterIP"]]
        } else if service["spec"]["clusterIP"] == before["clusterIP"], let first = service["spec"]["clusterIPs"].elements.first {
            service["spec"]["clusterIP"] = first
        }
        if !ServiceTraffic.comesFromOutside(service["spec"]),
            service[path: "spec", "externalTrafficPolicy"] == before["externalTrafficPolicy"]
        {
            service["spec"]["externalTrafficPolicy"] = .null
        }
        guard service[path: "spec", "type"].string != "ExternalName" else {
            for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"]
            where service["spec"][field] == before[field] {
                service["spec"][field] = .null
            }
            dropNodePorts(&service, old: old)
            return
        }
        if before["type"].string != "ExternalName" {
            for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] where service["spec"][field].isEmpty {
                service["spec"][field] = before[field]
            }
        }
        if usesNodePorts(service) {
            carryNodePorts(&service, old: old)
            if needsHealthCheck(service), service[path: "spec", "healthCheckNodePort"].isEmpty {
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
    private func fill(_ service: inout Value, _ target: Target) throws {
        guard service[path: "spec", "type"].string != "ExternalName" else { return }
        try fillFamilies(&service, target)
        let isGiven = !(service[path: "spec", "clusterIP"].string ?? "").isEmpty
        if isGiven { service["spec"]["clusterIPs"] = [service["spec"]["clusterIP"]] }
        do throws(ServiceAllocator.Refusal) { try allocator.check(service) } catch { throw refusal(error, service, target) }
        if !isGiven {
            guard let address = allocator.freeAddress() else {
                throw APIError.internalError("failed to allocate a serviceIP: range is full")
            }
            service["spec"]["clusterIP"] = .string(address.description)
            service["spec"]["clusterIPs"] = [service["spec"]["clusterIP"]]
        }
        try fillPorts(&service)
    }

    private func refusal(_ refusal: ServiceAllocator.Refusal, _ service: Value, _ target: Target) -> APIError {
        if refusal.message.hasPrefix("provided port") {
            let ports = service[path: "spec", "ports"].elements
            let index = ports.firstIndex { !$0["nodePort"].isEmpty } ?? 0
            return target.invalid([
                .invalid(FieldPath("spec.ports[\(index)].nodePort"), service["spec"]["ports"][index]["nodePort"], refusal.message)
            ])
        }
        let address = service[path: "spec", "clusterIP"]
        return target.invalid([.invalid("spec.clusterIPs", [address], refusal.message)])
    }

    /// One family: IPv4. Others are refused by name.
    private func fillFamilies(_ service: inout Value, _ target: Target) throws {
        var spec = service["spec"]
        if spec["clusterIP"].isEmpty, let first = spec["clusterIPs"].elements.first { spec["clusterIP"] = first }
        if spec["clusterIP"].string == "None", spec["selector"].isEmpty {
            Self.fillForeignFamilies(&spec)
            service["spec"] = spec
            return
        }
        for (index, family) in spec["ipFamilies"].elements.enumerated() where family != "IPv4" {
            throw target.invalid([.invalid(FieldPath("spec.ipFamilies[\(index)]"), family, "not configured on this cluster")])
        }
        if spec["ipFamilyPolicy"].string == "RequireDualStack" {
            throw target.invalid([
                .invalid("spec.ipFamilyPolicy", spec["ipFamilyPolicy"], "this cluster is not configured for dual-stack services")
            ])
        }
        spec["ipFamilies"] = ["IPv4"]
        if spec["ipFamilyPolicy"].isEmpty { spec["ipFamilyPolicy"] = "SingleStack" }
        if let address = spec["clusterIP"].string, !address.isEmpty, address != "None", IPv4Address(address) == nil {
            throw target.invalid([
                .invalid("spec.clusterIPs[0]", spec["clusterIP"], "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
            ])
        }
        service["spec"] = spec
    }

    /// A Service without addresses and without a selector has whichever endpoints somebody gives it, of both families unless it says
    /// otherwise.
    private static func fillForeignFamilies(_ spec: inout Value) {
        if spec["ipFamilyPolicy"].isEmpty { spec["ipFamilyPolicy"] = "RequireDualStack" }
        if spec["ipFamilies"].isEmpty { spec["ipFamilies"] = ["IPv4"] }
        guard spec["ipFamilyPolicy"].string != "SingleStack", spec["ipFamilies"].elements.count == 1 else { return }
        spec["ipFamilies"].elements.append(spec["ipFamilies"][0] == "IPv4" ? "IPv6" : "IPv4")
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
