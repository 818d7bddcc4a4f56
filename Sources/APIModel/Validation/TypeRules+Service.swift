internal import OrderedCollections

extension TypeRules {
    static let service: [String: Rule] = [
        "core.v1.ServiceSpec": { spec, path, errors in
            let type = spec["type"].string ?? "ClusterIP"
            let isHeadless = spec["clusterIP"].string == "None" || spec["clusterIPs"][0].string == "None"
            let ports = spec["ports"].elements
            if ports.isEmpty, !isHeadless, type != "ExternalName" { errors.append(.required(path.child("ports"))) }
            switch type {
            case "ExternalName":
                let name = spec["externalName"].string ?? ""
                // With a dot at its end it is a full name.
                let bare = name.hasSuffix(".") ? String(name.dropLast()) : name
                if bare.isEmpty {
                    errors.append(.required(path.child("externalName")))
                } else {
                    Constraint.add(Names.dnsSubdomain(bare), .string(bare), path.child("externalName"), &errors)
                }
                let hasAddress = !spec["clusterIP"].isEmpty || !spec["clusterIPs"].isEmpty
                for (field, isSet) in [
                    ("clusterIPs", hasAddress), ("ipFamilies", !spec["ipFamilies"].isEmpty),
                    ("ipFamilyPolicy", !spec["ipFamilyPolicy"].isNull),
                ] where isSet {
                    errors.append(.forbidden(path.child(field), "may not be set for ExternalName services"))
                }
            case "LoadBalancer":
                if isHeadless {
                    errors.append(.invalid(path.child("clusterIPs").index(0), "None", "may not be set to 'None' for LoadBalancer services"))
                }
            case "NodePort":
                if isHeadless {
                    errors.append(.invalid(path.child("clusterIPs").index(0), "None", "may not be set to 'None' for NodePort services"))
                }
            default: break
            }
            if type != "ExternalName" { addresses(spec, path, &errors) }
            sourceRanges(spec, type, path.child("LoadBalancerSourceRanges"), &errors)
            for (index, address) in spec["externalIPs"].elements.enumerated() {
                guard let ip = address.string, Names.ip(ip).isEmpty else { continue }
                endpointAddress(ip, path.child("externalIPs").index(index), &errors)
            }
            servicePorts(ports, type, path.child("ports"), &errors)
            let isExternal = ServiceTraffic.comesFromOutside(spec)
            if let policy = spec["externalTrafficPolicy"].string, !policy.isEmpty, !isExternal {
                errors.append(
                    .invalid(path.child("externalTrafficPolicy"), .string(policy), "may only be set for externally-accessible services"))
            }
            if let number = spec["healthCheckNodePort"].int, number != 0 {
                let field = path.child("healthCheckNodePort")
                if type == "LoadBalancer", spec["externalTrafficPolicy"].string == "Local" {
                    Constraint.add(Names.port(number), .int(number), field, &errors)
                } else {
                    let hint = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
                    errors.append(.invalid(field, .int(number), hint))
                }
            }
            if type != "LoadBalancer" {
                for (field, hint) in [
                    ("loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"),
                    ("allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'"),
                ] where !spec[field].isNull {
                    errors.append(.forbidden(path.child(field), hint))
                }
            }
            if spec["sessionAffinity"].string == "None", !spec["sessionAffinityConfig"].isNull {
                errors.append(.forbidden(path.child("sessionAffinityConfig"), "must not be set when session affinity is None"))
            }
        },
        "core.v1.ServicePort": { port, path, errors in
            if port["port"].isNull { errors.append(.invalid(path.child("port"), 0, "must be between 1 and 65535, inclusive")) }
        },
        "core.v1.EndpointSubset": { subset, path, errors in
            if subset["addresses"].elements.isEmpty, subset["notReadyAddresses"].elements.isEmpty {
                errors.append(.required(path, "must specify `addresses` or `notReadyAddresses`"))
            }
            let ports = subset["ports"].elements
            for (index, port) in ports.enumerated() where ports.count > 1 && port["name"].isEmpty {
                errors.append(.required(path.child("ports").index(index).child("name")))
            }
        },
        "core.v1.EndpointAddress": { address, path, errors in
            if let ip = address["ip"].string { endpointAddress(ip, path.child("ip"), &errors) }
        },
        "discovery.v1.EndpointSlice": { slice, path, errors in
            for (index, endpoint) in slice["endpoints"].elements.enumerated() {
                let field = path.child("endpoints").index(index).child("addresses")
                let addresses = endpoint["addresses"].elements
                if addresses.isEmpty { errors.append(.required(field, "must contain at least 1 address")) }
                if addresses.count > 100 { errors.append(.tooMany(field, count: addresses.count, limit: 100)) }
                for (number, address) in addresses.enumerated() {
                    guard let text = address.string else { continue }
                    switch slice["addressType"].string {
                    case let family? where family == "IPv4" || family == "IPv6":
                        let problems = family == "IPv4" ? Names.ip(text) : Names.canonicalIP(text)
                        let place = field.index(number)
                        Constraint.add(problems, address, place, &errors)
                        guard problems.isEmpty else { continue }
                        if IPLiteral.isIPv4(text) != (family == "IPv4") {
                            errors.append(.invalid(field, address, "must be an \(family) address"))
                        }
                        endpointAddress(text, place, &errors)
                    case "FQDN": Constraint.add(Names.dnsSubdomain(text), address, field.index(number), &errors)
                    default: break
                    }
                }
            }
            var names: Set<String> = []
            for (index, port) in slice["ports"].elements.enumerated() {
                let name = port["name"].string ?? ""
                if !names.insert(name).inserted { errors.append(.duplicate(path.child("ports").index(index).child("name"), .string(name))) }
            }
        },
    ]

    /// Traffic is led to an endpoint from other machines, so it must not be one that every machine understands as itself or its link.
    private static func endpointAddress(_ ip: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let reason: String
        switch IPScope(ip) {
        case .unspecified: reason = "may not be unspecified (\(ip))"
        case .loopback: reason = "may not be in the loopback range (127.0.0.0/8, ::1/128)"
        case .linkLocal: reason = "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        case .linkLocalMulticast: reason = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        case .multicast, .broadcast, .globalUnicast, nil: return
        }
        errors.append(.invalid(path, .string(ip), reason))
    }

    private static func addresses(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (list, field, own) = (spec["clusterIPs"].elements, path.child("clusterIPs"), spec["clusterIP"].string ?? "")
        func refuse(_ message: String) { errors.append(.invalid(field, .array(list), message)) }
        if let first = list.first, own.isEmpty || first.string != own {
            refuse(own.isEmpty ? "must be empty when `clusterIP` is not specified" : "first value must match `clusterIP`")
        }
        let families = spec["ipFamilies"].elements
        for (index, family) in families.enumerated() where families[..<index].contains(family) {
            errors.append(.duplicate(path.child("ipFamilies").index(index), family))
        }
        let found = (list.isEmpty && !own.isEmpty ? [.string(own)] : list).map { $0.string ?? "" }
        var isGood = true
        for (index, address) in found.enumerated() {
            if index == 0, address == "None" {
                if found.count > 1 {
                    refuse("'None' must be the first and only value")
                    isGood = false
                }
                continue
            }
            let problems = Names.ip(address)
            Constraint.add(problems, .string(address), field.index(index), &errors)
            isGood = isGood && problems.isEmpty
        }
        if found.count > 2 { refuse("may only hold up to 2 values") }
        guard isGood, found.first != "None" else { return }
        let isDual = found.contains(where: IPLiteral.isIPv4) && found.contains(where: IPLiteral.isIPv6)
        if found.count > 1, !isDual { refuse("may specify no more than one IP for each IP family") }
        for (index, (address, family)) in zip(found, families).enumerated()
        where family == "IPv4" && IPLiteral.isIPv6(address) || family == "IPv6" && IPLiteral.isIPv4(address) {
            errors.append(
                .invalid(
                    field.index(index), .string(address),
                    "expected an \(family.string ?? "") value as indicated by `ipFamilies[\(index)]`"))
        }
    }

    /// From where a load balancer lets traffic in. White space around the ranges is let pass, as it is in the annotation of old.
    private static func sourceRanges(_ spec: Value, _ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let ranges = spec["loadBalancerSourceRanges"].elements
        guard !ranges.isEmpty else { return }
        if type != "LoadBalancer" { errors.append(.forbidden(path, "may only be used when `type` is 'LoadBalancer'")) }
        for (index, range) in ranges.enumerated() {
            let text = (range.string ?? "").trimmed
            Constraint.add(Names.cidr(text), .string(text), path.index(index), &errors)
        }
    }

    private static let noPort: GoStructure.Zero = [
        "name": "", "protocol": "", "appProtocol": .null, "port": 0, "targetPort": 0, "nodePort": 0,
    ]

    private static func servicePorts(_ ports: [Value], _ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        var used: Set<String> = []
        var nodePorts: Set<String> = []
        unique(ports, "name", path, &errors)
        for (index, port) in ports.enumerated() {
            let field = path.index(index)
            if ports.count > 1, port["name"].isEmpty { errors.append(.required(field.child("name"))) }
            let `protocol` = port["protocol"].string ?? "TCP"
            if let number = port["port"].int, !used.insert("\(`protocol`)/\(number)").inserted {
                let shown: Value = ["protocol": .string(`protocol`), "port": .int(number)]
                errors.append(.duplicate(field, GoStructure.show(shown, zero: noPort)))
            }
            guard let nodePort = port["nodePort"].int, nodePort != 0 else { continue }
            if type == "ClusterIP" {
                errors.append(.forbidden(field.child("nodePort"), "may not be used when `type` is 'ClusterIP'"))
            }
            if !nodePorts.insert("\(`protocol`)/\(nodePort)").inserted {
                errors.append(.duplicate(field.child("nodePort"), .int(nodePort)))
            }
        }
    }
}
