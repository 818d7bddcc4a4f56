public import APIModel

/// Which Pods stand behind a Service, and where: what the controllers for Endpoints and for EndpointSlices share.
public enum ServicePods {
    /// The key of every Service whose selector matches the Pod before or after the change: for `Controller.map`.
    public static func services(for before: Value, _ after: Value, _ objects: Objects) -> [Key] {
        guard before.isNull || after.isNull || isRelevant(before, after) else { return [] }
        let namespace = (after.isNull ? before : after)["metadata"]["namespace"].string ?? ""
        guard let services = try? objects.list(.services, namespace: namespace) else { return [] }
        let labels = [before, after].filter { !$0.isNull }.map { $0["metadata"]["labels"].strings }
        return services.compactMap { service in
            let selector = service["spec"]["selector"].strings
            guard !selector.isEmpty, labels.contains(where: { matches(selector, $0) }) else { return nil }
            return Key(
                resource: GroupVersionResource.services.description, namespace: namespace, name: service["metadata"]["name"].string ?? "")
        }
    }

    /// Whether a Service could look different: most Pod updates touch only what no endpoint shows.
    private static func isRelevant(_ before: Value, _ after: Value) -> Bool {
        before["metadata"]["labels"] != after["metadata"]["labels"]
            || before["metadata"]["deletionTimestamp"] != after["metadata"]["deletionTimestamp"]
            || before["status"]["podIPs"] != after["status"]["podIPs"] || before["status"]["phase"] != after["status"]["phase"]
            || before["spec"]["nodeName"] != after["spec"]["nodeName"] || PodState.isReady(before) != PodState.isReady(after)
    }

    private static func matches(_ selector: [String: String], _ labels: [String: String]) -> Bool {
        selector.allSatisfy { labels[$0.key] == $0.value }
    }

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
