import APIModel

/// The variables that tell a container of services, as Docker links once did. Upstream: `kubelet/envvars`.
enum ServiceEnvironment {
    /// `services` are those of the pod's namespace; `kubernetes` of the namespace default is always told of.
    static func variables(namespace: String, enableServiceLinks: Bool, services: [Value], apiService: Value?) -> [(
        name: String, value: String
    )] {
        var told: [Value] = []
        if enableServiceLinks { told = services.filter(hasAddress) }
        if let apiService, hasAddress(apiService), !(enableServiceLinks && namespace == "default") { told.append(apiService) }
        return told.sorted { name($0) < name($1) }.flatMap(variables)
    }

    private static func hasAddress(_ service: Value) -> Bool {
        guard let ip = service[path: "spec", "clusterIP"].string else { return false }
        return !ip.isEmpty && ip != "None"
    }

    private static func name(_ service: Value) -> String { service["metadata"].name }

    private static func variables(_ service: Value) -> [(name: String, value: String)] {
        let ip = service[path: "spec", "clusterIP"].string ?? ""
        let host = ip.contains(":") ? "[\(ip)]" : ip
        let prefix = variableName(name(service))
        let ports = service[path: "spec", "ports"].elements
        guard let first = ports.first?["port"].int else { return [] }
        var variables = [(prefix + "_SERVICE_HOST", ip), (prefix + "_SERVICE_PORT", String(first))]
        for port in ports {
            if let name = port["name"].string, !name.isEmpty {
                variables.append((prefix + "_SERVICE_PORT_" + variableName(name), String(port["port"].int ?? 0)))
            }
        }
        for (index, port) in ports.enumerated() {
            let transport = port["protocol"].string ?? "TCP"
            let number = String(port["port"].int ?? 0)
            let url = "\(transport.lowercased())://\(host):\(number)"
            let portPrefix = "\(prefix)_PORT_\(number)_\(transport.uppercased())"
            if index == 0 { variables.append((prefix + "_PORT", url)) }
            variables += [
                (portPrefix, url), (portPrefix + "_PROTO", transport.lowercased()), (portPrefix + "_PORT", number),
                (portPrefix + "_ADDR", ip),
            ]
        }
        return variables
    }

    private static func variableName(_ name: String) -> String { String(name.uppercased().map { $0 == "-" ? "_" : $0 }) }
}
