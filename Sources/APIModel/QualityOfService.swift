/// How the machine treats a pod when it runs short, from requests and limits of CPU and memory. Upstream: `v1/helper/qos`.
public enum QualityOfService: String, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    /// - Parameter spec: core v1 PodSpec.
    public init(spec: Value) {
        var requests: [String: Quantity] = [:]
        var limits: [String: Quantity] = [:]
        var isGuaranteed = true
        // What the pod asks for as a whole stands for what its containers do.
        let containers = spec["containers"].elements + spec["initContainers"].elements
        for container in spec["resources"].isEmpty ? containers : [spec] {
            var limited: Set<String> = []
            for resource in ["cpu", "memory"] {
                if let request = container[path: "resources", "requests", resource].quantity, !request.isZero {
                    requests[resource, default: .zero] += request
                }
                if let limit = container[path: "resources", "limits", resource].quantity, !limit.isZero {
                    limits[resource, default: .zero] += limit
                    limited.insert(resource)
                }
            }
            if limited.count != 2 { isGuaranteed = false }
        }
        if requests.isEmpty && limits.isEmpty {
            self = .bestEffort
        } else if isGuaranteed && requests == limits {
            self = .guaranteed
        } else {
            self = .burstable
        }
    }
}
