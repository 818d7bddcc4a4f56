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

    /// The reference from an endpoint to its Pod.
    public static func reference(to pod: Value) -> Value {
        ["kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]]
    }
}
