import APIModel
import Store

/// Finds out where pods, services and nodes answer.
struct Backends: Sendable {
    let registry: Registry
    /// Where kubelets listen that are not at their Node's address, by Node.
    let kubeletHosts: [String: String]
    /// Whether a proxy may go to an IP address that a user has a say in.
    let isReachable: @Sendable (String) -> Bool

    private static let notAllowed = APIError.badRequest("address not allowed")

    /// The kubelet of a node, at the address that kubelets and operators prefer.
    func kubelet(_ node: String) throws -> BackendAddress {
        guard let object = registry.store.get(RecordKey(collection: "/nodes", name: node))?.object.value else {
            throw APIError.notFound("nodes", node)
        }
        let addresses = object[path: "status", "addresses"].elements
        let port = object[path: "status", "daemonEndpoints", "kubeletEndpoint", "Port"].int.map { Int($0) } ?? 10_250
        let found =
            kubeletHosts[node]
            ?? ["InternalIP", "Hostname", "ExternalIP", "InternalDNS", "ExternalDNS"].lazy.compactMap { type in
                addresses.first { $0["type"].string == type }?["address"].string.flatMap { $0.isEmpty ? nil : $0 }
            }.first
        guard let host = found else {
            throw APIError(code: 500, reason: .unknown, message: "no preferred addresses found; known addresses: []")
        }
        return BackendAddress(host: host, port: Self.isPort(port) ? port : 10_250, trust: .kubelet, mayBeLocal: true)
    }

    /// `name`, `name:port` or `scheme:name:port`, as proxy paths write it.
    private static func split(_ id: String, _ what: String) throws -> (trust: BackendAddress.Trust, name: String, port: String) {
        let parts = id.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let (scheme, name, port) =
            parts.count == 3 ? (parts[0], parts[1], parts[2]) : ("", parts[0], parts.count == 2 ? parts[1] : "")
        guard parts.count <= 3, !name.isEmpty, ["", "http", "https"].contains(scheme) else {
            throw APIError.badRequest("invalid \(what) request \"\(id)\"")
        }
        return (scheme == "https" ? .unverified : .plain, name, port)
    }

    private static func isPort(_ number: Int) -> Bool { (1...65_535).contains(number) }

    private func backend(_ host: String, _ port: Int, _ trust: BackendAddress.Trust) throws -> BackendAddress {
        guard Self.isPort(port) else { throw APIError.badRequest("invalid port \(port)") }
        return BackendAddress(host: host, port: port, trust: trust)
    }

    func pod(_ id: String, namespace: String) throws -> BackendAddress {
        let (trust, name, port) = try Self.split(id, "pod")
        guard let pod = registry.store.get(RecordKey(collection: "/pods", name: "\(namespace)/\(name)"))?.object.value else {
            throw APIError.notFound("pods", name)
        }
        let ports = pod[path: "spec", "containers"].elements.lazy.flatMap { $0["ports"].elements }
        let named = port.isEmpty ? ports.first : ports.first { $0["name"].string == port }
        let number = port.isEmpty && named == nil ? 80 : Int(port) ?? named?["containerPort"].int.map { Int($0) }
        guard let number else { throw APIError.badRequest("invalid pod request \"\(id)\"") }
        guard let address = pod[path: "status", "podIP"].string, isReachable(address) else { throw Self.notAllowed }
        return try backend(address, number, trust)
    }

    /// A ready endpoint of a service, any one of them that is a pod: what else somebody writes into an EndpointSlice is not reached from
    /// here.
    func service(_ id: String, namespace: String) throws -> BackendAddress {
        let (trust, name, portText) = try Self.split(id, "service")
        guard let service = registry.store.get(RecordKey(collection: "/services", name: "\(namespace)/\(name)"))?.object.value else {
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
        var candidates: [(host: String, port: Int)] = []
        let label = "kubernetes.io/service-name"
        let slices = registry.all("discovery.k8s.io/endpointslices", namespace: namespace, terms: [StoredTerms.label(label, name)])
        for slice in slices where slice.labels[label] == name {
            let port = slice.value["ports"].elements.first { ($0["name"].string ?? "") == portName }?["port"].int
            guard let port = port.map({ Int($0) }) else { continue }
            for endpoint in slice.value["endpoints"].elements where endpoint[path: "conditions", "ready"].bool != false {
                guard let address = podAddress(endpoint, namespace: namespace) else { continue }
                candidates.append((address, port))
            }
        }
        guard let found = candidates.randomElement() else {
            throw APIError(code: 503, reason: .serviceUnavailable, message: "no endpoints available for service \"\(name)\"")
        }
        return try backend(found.host, found.port, trust)
    }

    /// The endpoint's address, when it is that of the pod that it names.
    private func podAddress(_ endpoint: Value, namespace: String) -> String? {
        let reference = endpoint["targetRef"]
        guard let address = endpoint["addresses"].elements.first?.string, isReachable(address), reference["kind"].string == "Pod",
            let name = reference["name"].string, reference["namespace"].string ?? namespace == namespace,
            let pod = registry.store.get(RecordKey(collection: "/pods", name: "\(namespace)/\(name)"))?.object.value
        else { return nil }
        let own = pod[path: "status", "podIPs"].elements.compactMap { $0["ip"].string } + [pod[path: "status", "podIP"].string ?? ""]
        return own.contains(address) ? address : nil
    }

    func node(_ id: String) throws -> BackendAddress {
        let (trust, name, portText) = try Self.split(id, "node")
        var address = try kubelet(name)
        let port = portText.isEmpty ? address.port : Int(portText)
        guard let port else { throw APIError.badRequest("invalid node request \"\(id)\"") }
        // The kubelet that this process was told of may be beside it; a Node says of itself what it likes.
        address.mayBeLocal = port == address.port && kubeletHosts[name] != nil
        if !address.mayBeLocal, IPScope(address.host) != nil, !isReachable(address.host) { throw Self.notAllowed }
        // Only the kubelet's own port gets this server's credentials.
        return port == address.port ? address : try backend(address.host, port, trust)
    }
}
