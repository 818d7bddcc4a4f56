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
        // Those without which the node does not work, and not those without which the cluster does not.
        if pod.isCritical && pod.spec["priorityClassName"].string == "system-node-critical" { return -997 }
        switch quality {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable: break
        }
        let share = remainder(of: pod)
        var request = memoryRequest(of: container) + share
        // What serves the others is not to go before them.
        if container.isSidecar { request = max(request, (pod.containers.map(memoryRequest).min() ?? 0) + share) }
        let capacity = max(memoryCapacity, 1)
        let score = 1000 - 1000 * min(request, capacity) / capacity
        if score < 3 { return 3 }
        return score == 1000 ? 999 : score
    }

    private static func memoryRequest(of container: Value) -> Whole {
        container[path: "resources", "requests", "memory"].quantity?.value ?? 0
    }

    /// The part for each container of what the pod as a whole asks for beyond what they do.
    private static func remainder(of pod: Pod) -> Whole {
        guard let whole = pod.spec[path: "resources", "requests", "memory"].quantity?.value else { return 0 }
        let containers = pod.containers + pod.initContainers.filter(\.isSidecar)
        let asked = containers.reduce(Whole(0)) { $0 + memoryRequest(of: $1) }
        return max(whole - asked, 0) / Whole(max(containers.count, 1))
    }

    /// A container's own limit, or else that of its pod, which bounds it anyway.
    private static func limit(_ resource: String, of container: Value, in pod: Pod) -> Quantity? {
        let own = container[path: "resources", "limits", resource].quantity
        return own?.isZero ?? true ? pod.spec[path: "resources", "limits", resource].quantity : own
    }

    /// CRI's `HugepageLimit`s, by size: `hugepages-2Mi` is `2MB` to the kernel.
    private static func hugePages(_ limits: Value) -> [Value] {
        let units: [(Whole, String)] = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")]
        return limits.fields.compactMap { name, amount -> (Whole, Value)? in
            guard name.hasPrefix("hugepages-"), let size = Value.string(String(name.dropFirst("hugepages-".count))).quantity?.value,
                let limit = amount.quantity?.value, let (unit, word) = units.first(where: { size >= $0.0 })
            else { return nil }
            return (size, ["page_size": .string("\(size / unit)\(word)"), "limit": .int(limit)])
        }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// CRI's `LinuxContainerResources`.
    /// - Parameter hasOwnCPUs: nobody else runs on its processors, so that its time on them needs no limit.
    static func linux(of container: Value, in pod: Pod, memoryCapacity: Whole, hasOwnCPUs: Bool = false) -> Value {
        let cpuLimit = limit("cpu", of: container, in: pod)?.milliValue ?? 0
        let cpuRequest = container[path: "resources", "requests", "cpu"].quantity?.milliValue
        let memoryLimit = limit("memory", of: container, in: pod)?.value ?? 0
        var linux: Value = [
            "cpu_shares": .int(shares(milliCPU: cpuRequest ?? cpuLimit)),
            "oom_score_adj": .int(oomScore(of: container, in: pod, class: QualityOfService(of: pod), memoryCapacity: memoryCapacity)),
        ]
        if cpuLimit > 0 {
            linux["cpu_period"] = .int(period)
            linux["cpu_quota"] = .int(hasOwnCPUs ? -1 : quota(milliCPU: cpuLimit))
        }
        if memoryLimit > 0 { linux["memory_limit_in_bytes"] = .int(memoryLimit) }
        let pages = hugePages(container["resources"]["limits"])
        if !pages.isEmpty { linux["hugepage_limits"] = .array(pages) }
        return linux
    }
}
