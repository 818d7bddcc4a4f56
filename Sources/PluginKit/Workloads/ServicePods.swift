public import APIModel

/// Which Pods stand behind a Service, and where: what the controllers for Endpoints and for EndpointSlices share.
public enum ServicePods {
    /// The Service's Pods that have an address and have not ended, by name.
    public static func pods(of service: Value, _ objects: Objects) throws -> [Value] {
        let selector = service["spec"]["selector"].strings
        let text = selector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return try objects.list(.pods, namespace: service["metadata"]["namespace"].string ?? "", selector: text).filter { pod in
            !PodState.isTerminal(pod) && pod["status"]["podIP"].string != nil
        }
    }

    /// The Pod's number for a Service port: the number itself, or that of its container port of the name; `nil` where it has none.
    public static func targetPort(_ port: Value, of pod: Value) -> Whole? {
        if let number = port["targetPort"].int { return number }
        guard let name = port["targetPort"].string else { return port["port"].int }
        let containers =
            pod["spec"]["containers"].elements + pod["spec"]["initContainers"].elements.filter { $0["restartPolicy"].string == "Always" }
        for candidate in containers.flatMap({ $0["ports"].elements }) where candidate["name"].string == name {
            if (candidate["protocol"].string ?? "TCP") == (port["protocol"].string ?? "TCP") { return candidate["containerPort"].int }
        }
        return nil
    }

    /// Of which families the Service's endpoints are, the primary one first.
    public static func families(of service: Value) -> [IPFamily] {
        let spec = service["spec"]
        let named = spec["ipFamilies"].elements.compactMap { $0.string.flatMap(IPFamily.init) }
        return named.isEmpty ? [spec["clusterIP"].string.flatMap { IPAddress($0) }?.family ?? .ipv4] : named
    }

    /// The Pod's addresses of a family.
    public static func addresses(of pod: Value, _ family: IPFamily) -> [String] {
        let all = pod["status"]["podIPs"].elements.map { $0["ip"] }
        return (all.isEmpty ? [pod["status"]["podIP"]] : all).compactMap { $0.string.flatMap { IPAddress($0) } }
            .filter { $0.family == family }.map(\.description)
    }

    /// The reference from an endpoint to its Pod.
    public static func reference(to pod: Value) -> Value {
        ["kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]]
    }
}
