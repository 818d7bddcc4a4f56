import APIModel

/// How the machine treats a pod when it runs short, from requests and limits of CPU and memory. Upstream: `v1/helper/qos`.
enum QualityOfService: String, Sendable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"

    init(of pod: Pod) {
        var requests: [String: Quantity] = [:]
        var limits: [String: Quantity] = [:]
        var isGuaranteed = true
        // What the pod asks for as a whole stands for what its containers do.
        for container in pod.spec["resources"].isEmpty ? pod.containers + pod.initContainers : [pod.spec] {
            var limited: Set<String> = []
            for resource in ["cpu", "memory"] {
                if let request = container[path: "resources", "requests", resource].quantity, request.milliValue > 0 {
                    requests[resource, default: .zero] += request
                }
                if let limit = container[path: "resources", "limits", resource].quantity, limit.milliValue > 0 {
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

    /// Where the pods of this class live in the cgroup tree.
    var cgroup: String {
        switch self {
        case .guaranteed: "/kubepods"
        case .burstable: "/kubepods/burstable"
        case .bestEffort: "/kubepods/besteffort"
        }
    }
}
