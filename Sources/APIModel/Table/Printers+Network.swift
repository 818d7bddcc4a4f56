internal import OrderedCollections

extension Printers {
    static let network: [String: Printer] = [
        "/Service": { object, _ in
            let spec = object["spec"]
            let address = spec["clusterIPs"][0].string ?? spec["clusterIP"].string ?? ""
            let ports = spec["ports"].elements.map { port in
                let node = port["nodePort"].int ?? 0
                return "\(port["port"].int ?? 0)\(node > 0 ? ":\(node)" : "")/\(port["protocol"].string ?? "")"
            }
            return [
                "Type": text(spec["type"]), "Cluster-IP": .string(address.isEmpty ? none : address),
                "External-IP": .string(externalAddress(object)),
                "Port(s)": .string(ports.isEmpty ? none : ports.joined(separator: ",")), "Selector": labels(spec["selector"]),
            ]
        },
        "/Endpoints": { object, _ in
            var addresses: [String] = []
            for subset in object["subsets"].elements {
                let ips = subset["addresses"].elements.map { $0["ip"].string ?? "" }
                let ports = subset["ports"].elements
                if ports.isEmpty { addresses += ips }
                for port in ports { addresses += ips.map { "\($0.contains(":") ? "[\($0)]" : $0):\(port["port"].int ?? 0)" } }
            }
            return ["Endpoints": .string(object["subsets"].elements.isEmpty ? none : firstThree(addresses, ifEmpty: ""))]
        },
        "discovery.k8s.io/EndpointSlice": { object, _ in
            let ports = object["ports"].elements.map { port in port["port"].int.map(String.init) ?? "*" }
            let addresses = object["endpoints"].elements.flatMap { $0["addresses"].elements.compactMap(\.string) }
            return [
                "AddressType": text(object["addressType"]), "Ports": .string(firstThree(ports, ifEmpty: unset)),
                "Endpoints": .string(firstThree(addresses, ifEmpty: unset)),
            ]
        },
        "networking.k8s.io/Ingress": { object, _ in
            let spec = object["spec"]
            let hosts = spec["rules"].elements.compactMap { $0["host"].string }.filter { !$0.isEmpty }
            return [
                "Class": text(spec["ingressClassName"], or: none), "Hosts": .string(firstThree(hosts, ifEmpty: "*")),
                "Address": .string(balancers(object).joined(separator: ",")),
                "Ports": .string(spec["tls"].elements.isEmpty ? "80" : "80, 443"),
            ]
        },
        "networking.k8s.io/IngressClass": { object, _ in
            let parameters = object["spec"]["parameters"]
            let group = parameters["apiGroup"].string.map { ".\($0)" } ?? ""
            return [
                "Controller": text(object["spec"]["controller"]),
                "Parameters": .string(
                    parameters.isNull ? none : "\(parameters["kind"].string ?? "")\(group)/\(parameters["name"].string ?? "")"),
            ]
        },
        "networking.k8s.io/NetworkPolicy": { object, _ in ["Pod-Selector": selector(object["spec"]["podSelector"])] },
        "networking.k8s.io/ServiceCIDR": { object, _ in
            ["CIDRs": .string(object["spec"]["cidrs"].elements.compactMap(\.string).joined(separator: ","))]
        },
        "networking.k8s.io/IPAddress": { object, _ in
            let parent = object["spec"]["parentRef"]
            if parent.isNull { return ["ParentRef": .string(none)] }
            let group = parent["group"].string ?? ""
            let resource = parent["resource"].string ?? ""
            let parts = [group.isEmpty ? resource : "\(resource).\(group)", parent["namespace"].string ?? "", parent["name"].string ?? ""]
            return ["ParentRef": .string(parts.filter { !$0.isEmpty }.joined(separator: "/"))]
        },
    ]

    private static func balancers(_ object: Value) -> [String] {
        object["status"]["loadBalancer"]["ingress"].elements.map { entry in
            if let ip = entry["ip"].string, !ip.isEmpty { return ip }
            return entry["hostname"].string ?? ""
        }.filter { !$0.isEmpty }
    }

    private static func externalAddress(_ service: Value) -> String {
        let spec = service["spec"]
        let external = spec["externalIPs"].elements.compactMap(\.string)
        switch spec["type"].string {
        case "ClusterIP", "NodePort": return external.isEmpty ? none : external.joined(separator: ",")
        case "LoadBalancer":
            let all = balancers(service).sorted() + external
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        case "ExternalName": return spec["externalName"].string ?? ""
        default: return unknown
        }
    }
}
