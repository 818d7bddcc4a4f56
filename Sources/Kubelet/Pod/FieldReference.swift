import APIModel

/// What `fieldRef` and `resourceFieldRef` stand for.
struct FieldReference {
    let pod: Pod
    let nodeName: String
    let hostIPs: [String]
    let podIPs: [String]
    /// What a container without a limit may use: the node's allocatable, in milli-units.
    let allocatable: [String: Whole]

    struct Unsupported: Error, CustomStringConvertible {
        let description: String
    }

    /// The value of a field of the pod. Labels and annotations as a whole are written a line each, quoted, sorted.
    func field(_ path: String) throws(Unsupported) -> String {
        if let (base, key) = Self.subscripted(path) {
            switch base {
            case "metadata.annotations": return pod.annotations[key] ?? ""
            case "metadata.labels": return pod.labels[key] ?? ""
            default: throw Unsupported(description: "fieldPath \"\(path)\" does not support subscript")
            }
        }
        switch path {
        case "metadata.name": return pod.name
        case "metadata.namespace": return pod.namespace
        case "metadata.uid": return pod.uid
        case "metadata.labels": return Self.lines(pod.labels)
        case "metadata.annotations": return Self.lines(pod.annotations)
        case "spec.nodeName": return nodeName
        case "spec.serviceAccountName": return pod.spec["serviceAccountName"].string ?? ""
        case "status.hostIP": return hostIPs.first ?? ""
        case "status.hostIPs": return hostIPs.joined(separator: ",")
        case "status.podIP": return podIPs.first ?? ""
        case "status.podIPs": return podIPs.joined(separator: ",")
        default: throw Unsupported(description: "unsupported fieldPath: \(path)")
        }
    }

    /// A request or limit of a container, divided and rounded up.
    func resource(_ reference: Value, container: Value) throws(Unsupported) -> String {
        let name = reference["resource"].string ?? ""
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[0] == "limits" || parts[0] == "requests" else {
            throw Unsupported(description: "unsupported container resource : \(name)")
        }
        let resource = parts[1]
        guard ["cpu", "memory", "ephemeral-storage"].contains(resource) || resource.hasPrefix("hugepages-") else {
            throw Unsupported(description: "unsupported container resource : \(name)")
        }
        let limit = container[path: "resources", "limits", resource].quantity?.milliValue
        let request = container[path: "resources", "requests", resource].quantity?.milliValue
        let whole = resource == "ephemeral-storage" ? nil : pod.spec[path: "resources", "limits", resource].quantity?.milliValue
        let milli = parts[0] == "limits" ? limit ?? whole ?? allocatable[resource] ?? 0 : request ?? 0
        let divisor = reference["divisor"].quantity?.milliValue ?? 0
        return String(Self.dividedUp(milli, by: divisor == 0 ? 1000 : divisor))
    }

    private static func dividedUp(_ number: Whole, by divisor: Whole) -> Whole { number / divisor + (number % divisor > 0 ? 1 : 0) }

    /// `metadata.labels['app']` in its two parts.
    static func subscripted(_ path: String) -> (base: String, key: String)? {
        guard path.hasSuffix("']"), let open = path.firstIndex(of: "["), path[open...].hasPrefix("['") else { return nil }
        let key = path[path.index(open, offsetBy: 2)...].dropLast(2)
        return key.isEmpty ? nil : (String(path[..<open]), String(key))
    }

    /// One `key="value"` a line, quoted as Go's `%q` does.
    static func lines(_ map: [String: String]) -> String {
        map.sorted { $0.key < $1.key }.map { "\($0)=\(FieldError.quoted($1))" }.joined(separator: "\n")
    }
}
