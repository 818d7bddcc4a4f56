import APIModel

/// A pod's own group in the kernel's cgroup tree, between its quality of service and its containers: shares and limits that hold for the
/// pod as a whole.
///
/// The runtime makes the group when it makes the sandbox; the kubelet sets its values and takes it away when the pod is gone. Works on
/// cgroup v1, on v2 and on both at once.
struct PodCgroup: Sendable {
    private static let root = "/sys/fs/cgroup"

    static func path(of pod: Pod) -> String { QualityOfService(of: pod).cgroup + "/pod" + pod.uid }

    /// Sets shares and limits in every hierarchy that has them. A controller that is missing, or a machine that does not allow it, leaves
    /// the pod with its containers' own values.
    static func apply(_ pod: Pod) {
        var requests: Whole = 0
        var cpuLimit: Whole? = 0
        var memoryLimit: Whole? = 0
        // Init containers run one after another: the biggest counts, beside all that run together.
        for container in pod.containers + pod.initContainers.filter(\.isSidecar) {
            let resources = container["resources"]
            let cpu = resources[path: "limits", "cpu"].quantity?.milliValue
            let memory = resources[path: "limits", "memory"].quantity?.value
            requests += (resources[path: "requests", "cpu"].quantity?.milliValue ?? cpu ?? 0)
            cpuLimit = cpu.flatMap { limit in cpuLimit.map { $0 + limit } }
            memoryLimit = memory.flatMap { limit in memoryLimit.map { $0 + limit } }
        }
        for container in pod.initContainers where !container.isSidecar {
            let resources = container["resources"]
            let cpu = resources[path: "limits", "cpu"].quantity?.milliValue
            let memory = resources[path: "limits", "memory"].quantity?.value
            requests = max(requests, resources[path: "requests", "cpu"].quantity?.milliValue ?? cpu ?? 0)
            cpuLimit = cpu.flatMap { limit in cpuLimit.map { max($0, limit) } }
            memoryLimit = memory.flatMap { limit in memoryLimit.map { max($0, limit) } }
        }
        let path = path(of: pod)
        let shares = ContainerResources.shares(milliCPU: requests)
        Self.set(shares, "cpu\(path)/cpu.shares")
        // The mapping of runc, from the range of shares to that of weights.
        Self.set(1 + (shares - 2) * 9999 / 262_142, "\(path.dropFirst())/cpu.weight")
        if let cpuLimit, cpuLimit > 0 {
            let quota = ContainerResources.quota(milliCPU: cpuLimit)
            Self.set(quota, "cpu\(path)/cpu.cfs_quota_us")
            Files.writeExisting("\(quota) \(ContainerResources.period)", to: "\(root)\(path)/cpu.max")
        }
        if let memoryLimit, memoryLimit > 0 {
            Self.set(memoryLimit, "memory\(path)/memory.limit_in_bytes")
            Self.set(memoryLimit, "\(path.dropFirst())/memory.max")
        }
    }

    private static func set(_ value: Whole, _ file: String) { Files.writeExisting(String(value), to: "\(root)/\(file)") }

    /// Removes the group from every hierarchy. Groups that still have processes stay, and go with the next attempt.
    static func remove(uid: String) {
        var hierarchies = [root]
        hierarchies += Files.entries(root).map { "\(root)/\($0)" }.filter { Files.isDirectory($0 + "/kubepods") }
        for hierarchy in hierarchies {
            for quality in ["/kubepods", "/kubepods/burstable", "/kubepods/besteffort"] { removeTree("\(hierarchy)\(quality)/pod\(uid)") }
        }
    }

    private static func removeTree(_ path: String) {
        guard Files.isDirectory(path) else { return }
        for entry in Files.entries(path) where Files.isDirectory("\(path)/\(entry)") { removeTree("\(path)/\(entry)") }
        Files.removeDirectory(path)
    }
}
