import APIModel

/// Ports of a pod's containers that stand in each other's way.
enum PodPorts {
    private struct Port {
        var place: FieldPath
        var hostIP: String
        var hostPort: Whole
    }

    /// - Parameter containers: each with its place.
    static func warnings(_ containers: [(Value, FieldPath)]) -> [String] {
        var warnings: [String] = []
        var known: [String: [Port]] = [:]
        var names: [String] = []
        var places: [String: FieldPath] = [:]
        for (container, place) in containers {
            for (index, value) in container["ports"].elements.enumerated() {
                let place = place.child("ports").index(index)
                let port = Port(place: place, hostIP: value["hostIP"].string ?? "", hostPort: value["hostPort"].int ?? 0)
                if !port.hostIP.isEmpty, port.hostPort == 0 {
                    warnings.append("\(place): hostIP set without hostPort: \(shown(value))")
                }
                let key = "\(value["containerPort"].int ?? 0)/\(value["protocol"].string ?? "")"
                warnings += known[key, default: []].compactMap { other in
                    conflict(port, other).map { "\(place): \($0) port definition with \(other.place)" }
                }
                known[key, default: []].append(port)
                guard let name = value["name"].string, !name.isEmpty else { continue }
                guard let first = places[name] else {
                    places[name] = place
                    continue
                }
                let use = "services and probes that select ports by name will use \(first)"
                names.append("\(place): duplicate port name \"\(name)\" with \(first), \(use)")
            }
        }
        return warnings + names
    }

    private static func conflict(_ port: Port, _ other: Port) -> String? {
        if port.hostIP == other.hostIP, port.hostPort == other.hostPort { return "duplicate" }
        if port.hostPort == 0 || other.hostPort == 0 { return "overlapping" }
        return port.hostPort == other.hostPort && port.hostIP.isEmpty != other.hostIP.isEmpty ? "dangerously ambiguous" : nil
    }

    /// As Go shows a structure.
    private static func shown(_ port: Value) -> String {
        let text = { (field: String) in port[field].string ?? "" }
        let number = { (field: String) in port[field].int ?? 0 }
        return
            "{Name:\(text("name")) HostPort:\(number("hostPort")) ContainerPort:\(number("containerPort")) Protocol:\(text("protocol")) HostIP:\(text("hostIP"))}"
    }
}
