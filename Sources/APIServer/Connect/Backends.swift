import APIModel
import Store

/// Finds out where pods, services and nodes answer.
struct Backends: Sendable {
    let registry: Registry
    /// Where kubelets listen that are not at their Node's address, by Node.
    let kubeletHosts: [String: String]

    /// The kubelet of a node, at the address that kubelets and operators prefer.
    func kubelet(_ node: String) throws -> BackendAddress {
        guard let object = registry.store.get(Key(collection: "/nodes", name: node))?.object.value else {
            throw APIError.notFound("nodes", node)
        }
        let addresses = object[path: "status", "addresses"].elements
        let port = object[path: "status", "daemonEndpoints", "kubeletEndpoint", "Port"].int.flatMap { $0 > 0 ? Int($0) : nil } ?? 10_250
        if let host = kubeletHosts[node] { return BackendAddress(host: host, port: port, trust: .kubelet) }
        for type in ["InternalIP", "Hostname", "ExternalIP", "InternalDNS", "ExternalDNS"] {
            guard let address = addresses.first(where: { $0["type"].string == type })?["address"].string, !address.isEmpty else { continue }
            return BackendAddress(host: address, port: port, trust: .kubelet)
        }
        throw APIError.internalError("no preferred addresses found; known addresses: []")
    }

    /// `name`, `name:port` or `scheme:name:port`, as proxy paths write it.
    static func split(_ id: String) -> (scheme: String, name: String, port: String) {
        let parts = id.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 2: return ("", parts[0], parts[1])
        case 3: return (parts[0], parts[1], parts[2])
        default: return ("", id, "")
        }
    }

    func pod(_ id: String, namespace: String) throws -> BackendAddress {
        let (scheme, name, portText) = Self.split(id)
        guard let pod = registry.store.get(Key(collection: "/pods", name: "\(namespace)/\(name)"))?.object.value else {
            throw APIError.notFound("pods", name)
        }
        var port = portText
        if port.isEmpty {
            port =
                pod[path: "spec", "containers"].elements.lazy.flatMap { $0["ports"].elements }.first.flatMap {
                    $0["containerPort"].int.map(String.init)
                } ?? "80"
        }
        guard let number = Int(port), (1...65535).contains(number) else { throw APIError.badRequest("address not allowed") }
        guard let address = pod[path: "status", "podIP"].string, !address.isEmpty else { throw APIError.badRequest("address not allowed") }
        return BackendAddress(host: address, port: number, trust: scheme == "https" ? .unverified : .plain)
    }

    /// A ready endpoint of a service, any one of them.
    func service(_ id: String, namespace: String) throws -> BackendAddress {
        let (scheme, name, portText) = Self.split(id)
        guard let service = registry.store.get(Key(collection: "/services", name: "\(namespace)/\(name)"))?.object.value else {
            throw APIError.notFound("services", name)
        }
        let ports = service[path: "spec", "ports"].elements
        let chosen =
            portText.isEmpty
            ? (ports.count == 1 ? ports.first : nil)
            : ports.first { $0["name"].string == portText || $0["port"].int.map(String.init) == portText }
        guard let chosen else {
            throw APIError(code: 503, reason: .serviceUnavailable, message: "no service port \"\(portText)\" found for service \"\(name)\"")
        }
        let portName = chosen["name"].string ?? ""
        var candidates: [BackendAddress] = []
        for slice in registry.all("discovery.k8s.io/endpointslices", namespace: namespace)
        where slice.labels["kubernetes.io/service-name"] == name {
            guard let port = slice.value["ports"].elements.first(where: { ($0["name"].string ?? "") == portName })?["port"].int else {
                continue
            }
            for endpoint in slice.value["endpoints"].elements where endpoint[path: "conditions", "ready"].bool != false {
                guard let address = endpoint["addresses"].elements.first?.string else { continue }
                candidates.append(BackendAddress(host: address, port: Int(port), trust: scheme == "https" ? .unverified : .plain))
            }
        }
        guard let backend = candidates.randomElement() else {
            throw APIError(code: 503, reason: .serviceUnavailable, message: "no endpoints available for service \"\(name)\"")
        }
        return backend
    }

    func node(_ id: String) throws -> BackendAddress {
        let (scheme, name, portText) = Self.split(id)
        var address = try kubelet(name)
        if !portText.isEmpty {
            guard let port = Int(portText), (1...65535).contains(port) else { throw APIError.badRequest("invalid port in \"\(id)\"") }
            // Only the kubelet's own port gets this server's credentials.
            if port != address.port {
                address = BackendAddress(host: address.host, port: port, trust: scheme == "https" ? .unverified : .plain)
            }
        }
        return address
    }
}
