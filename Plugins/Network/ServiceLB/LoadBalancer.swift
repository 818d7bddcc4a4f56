internal import APIModel

/// What of Services matters to those that share the nodes' addresses. Pure.
enum LoadBalancer {
    static func isOurs(_ service: Value) -> Bool {
        service["spec"]["type"].string == "LoadBalancer" && service["spec"]["loadBalancerClass"].isEmpty
            && service["metadata"]["deletionTimestamp"].isNull
    }

    /// Why `service` cannot have its ports: another one that was there first has one of them. `nil` where it can.
    static func conflict(of service: Value, among services: [Value]) -> String? {
        let (ports, rank) = (ports(service), rank(service))
        for other in services where isOurs(other) && self.rank(other).lexicographicallyPrecedes(rank) {
            if let port = ports.intersection(self.ports(other)).min() {
                return "port \(port) of the nodes is taken by \(name(other))"
            }
        }
        return nil
    }

    /// Whether others may have ports or addresses, now that `before` is `after`.
    static func frees(_ before: Value, _ after: Value) -> Bool {
        guard isOurs(before) else { return false }
        let ingress = before["status"]["loadBalancer"]["ingress"]
        return !isOurs(after) || !ports(before).subtracting(ports(after)).isEmpty
            || !ingress.isEmpty && ingress != after["status"]["loadBalancer"]["ingress"]
    }

    static func name(_ service: Value) -> String {
        let metadata = service["metadata"]
        return "\(metadata["namespace"].string ?? "")/\(metadata["name"].string ?? "")"
    }

    /// `80/TCP`
    private static func ports(_ service: Value) -> Set<String> {
        Set(service["spec"]["ports"].elements.map { "\($0["port"].int ?? 0)/\($0["protocol"].string ?? "TCP")" })
    }

    /// Orders Services by who was first; names decide between those of one second.
    static func rank(_ service: Value) -> [String] {
        ["creationTimestamp", "namespace", "name"].map { service["metadata"][$0].string ?? "" }
    }
}
