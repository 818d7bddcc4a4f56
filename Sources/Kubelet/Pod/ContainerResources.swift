import APIModel

/// Requests and limits in the kernel's units. Upstream: `kuberuntime_container_linux.go`, `cm/helpers_linux.go`, `qos/policy.go`.
enum ContainerResources {
    static let minimumShares: Whole = 2
    static let maximumShares: Whole = 262_144
    static let period: Whole = 100_000

    static func shares(milliCPU: Whole) -> Whole {
        milliCPU == 0 ? minimumShares : max(min(milliCPU * 1024 / 1000, maximumShares), minimumShares)
    }

    /// 0 is no limit. The kernel takes no quota below a millisecond.
    static func quota(milliCPU: Whole) -> Whole { milliCPU == 0 ? 0 : max(milliCPU * period / 1000, 1000) }

    /// Who goes first when memory runs out: the closer to 1000 the sooner.
    static func oomScore(of container: Value, in pod: Pod, class quality: QualityOfService, memoryCapacity: Whole) -> Whole {
        if pod.spec["priority"].int ?? 0 >= 2_000_000_000 { return -997 }
        switch quality {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable: break
        }
        let request = container[path: "resources", "requests", "memory"].quantity?.value ?? 0
        let capacity = max(memoryCapacity, 1)
        let score = 1000 - 1000 * min(request, capacity) / capacity
        if score < 3 { return 3 }
        return score == 1000 ? 999 : score
    }

    /// CRI's `LinuxContainerResources`.
    static func linux(of container: Value, in pod: Pod, memoryCapacity: Whole) -> Value {
        let resources = container["resources"]
        let cpuLimit = resources[path: "limits", "cpu"].quantity?.milliValue ?? 0
        let cpuRequest = resources[path: "requests", "cpu"].quantity?.milliValue
        let memoryLimit = resources[path: "limits", "memory"].quantity?.value ?? 0
        var linux: Value = [
            "cpu_shares": .int(shares(milliCPU: cpuRequest ?? cpuLimit)),
            "oom_score_adj": .int(oomScore(of: container, in: pod, class: QualityOfService(of: pod), memoryCapacity: memoryCapacity)),
        ]
        if cpuLimit > 0 {
            linux["cpu_period"] = .int(period)
            linux["cpu_quota"] = .int(quota(milliCPU: cpuLimit))
        }
        if memoryLimit > 0 { linux["memory_limit_in_bytes"] = .int(memoryLimit) }
        return linux
    }
}
