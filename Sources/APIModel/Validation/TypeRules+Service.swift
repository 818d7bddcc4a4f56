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
                if spec["externalName"].isEmpty { errors.append(.required(path.child("externalName"))) }
                if let ip = spec["clusterIP"].string, !ip.isEmpty {
                    errors.append(.forbidden(path.child("clusterIP"), "may not be set when type is ExternalName"))
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
            addresses(spec, path, &errors)
            for (index, address) in spec["externalIPs"].elements.enumerated() {
                if let ip = address.string { endpointAddress(ip, path.child("externalIPs").index(index), &errors) }
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
                    ("loadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"),
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
                    case "IPv4":
                        if !IPLiteral.isIPv4(text) { errors.append(.invalid(field.index(number), address, "must be a valid IPv4 address")) }
                        endpointAddress(text, field.index(number), &errors)
                    case "IPv6":
                        if !IPLiteral.isIPv6(text) { errors.append(.invalid(field.index(number), address, "must be a valid IPv6 address")) }
                        endpointAddress(text, field.index(number), &errors)
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
        let list = spec["clusterIPs"].elements
        if let first = spec["clusterIP"].string, let other = list.first?.string, first != other {
            errors.append(.invalid(path.child("clusterIPs").index(0), .string(other), "must match `clusterIP`"))
        }
        for (index, address) in (list.isEmpty ? [spec["clusterIP"]] : list).enumerated() {
            guard let text = address.string, !text.isEmpty else { continue }
            let field = path.child("clusterIPs").index(index)
            if text == "None" {
                if list.count > 1 {
                    errors.append(.invalid(path.child("clusterIPs"), .array(list), "'None' must be the first and only value"))
                }
            } else {
                Constraint.add(Names.ip(text), address, field, &errors)
            }
        }
        if list.count > 2 { errors.append(.invalid(path.child("clusterIPs"), .array(list), "may only hold up to 2 values")) }
    }

    private static func servicePorts(_ ports: [Value], _ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        var used: Set<String> = []
        var nodePorts: Set<String> = []
        unique(ports, "name", path, &errors)
        for (index, port) in ports.enumerated() {
            let field = path.index(index)
            if ports.count > 1, port["name"].isEmpty { errors.append(.required(field.child("name"))) }
            let `protocol` = port["protocol"].string ?? "TCP"
            if let number = port["port"].int, !used.insert("\(`protocol`)/\(number)").inserted {
                errors.append(.duplicate(field, ["protocol": .string(`protocol`), "port": .int(number)]))
            }
            guard let nodePort = port["nodePort"].int, nodePort != 0 else { continue }
            if type == "ClusterIP" || type == "ExternalName" {
                errors.append(.forbidden(field.child("nodePort"), "may not be used when `type` is '\(type)'"))
            }
            if !nodePorts.insert("\(`protocol`)/\(nodePort)").inserted {
                errors.append(.duplicate(field.child("nodePort"), .int(nodePort)))
            }
        }
    }
}
