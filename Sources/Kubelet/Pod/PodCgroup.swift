import APIModel
import FileSystem

/// A pod's own group in the kernel's cgroup tree, between its quality of service and its containers: shares and limits that hold for the
/// pod as a whole. Everything here blocks as long as the kernel does.
///
/// The runtime makes the group when it makes the sandbox; the kubelet sets its values and takes it away when the pod is gone. Works on
/// cgroup v1, on v2 and on both at once.
struct PodCgroup: Sendable {
    private static let root = CgroupSetting.root

    /// - Parameter parent: the group below which all pods have theirs, empty for the top.
    static func path(of pod: Pod, below parent: String) -> String { parent + QualityOfService(of: pod).cgroup + "/pod" + pod.uid }

    private static func settings(of pod: Pod, below parent: String, hasOwnCPUs: Bool) -> [CgroupSetting] {
        let (path, resources) = (path(of: pod, below: parent), PodResources(of: pod))
        var settings = CgroupSetting.weight(path, milliCPU: resources.cpuRequest)
        if let limit = resources.cpuLimit, !hasOwnCPUs {
            let quota = ContainerResources.quota(milliCPU: limit)
            settings.append(CgroupSetting(file: "\(root)/cpu\(path)/cpu.cfs_quota_us", value: quota))
            settings.append(
                CgroupSetting(file: "\(root)\(path)/cpu.max", value: quota) { "\($0) \(ContainerResources.period)" })
        }
        if let limit = resources.memoryLimit { settings += CgroupSetting.memory(path, limit: limit) }
        return settings
    }

    /// Sets shares and limits in every hierarchy that has them. A controller that is missing, or a machine that does not allow it, leaves
    /// the pod with its containers' own values. Answers the files that are there and did not take their value.
    /// - Parameters:
    ///   - hasOwnCPUs: nobody else runs on processors of one of its containers, and its time is not limited.
    ///   - processes: how many it may have; -1 for no limit of its own.
    @discardableResult
    static func apply(_ pod: Pod, below parent: String, hasOwnCPUs: Bool = false, processes: Whole = -1) -> [String] {
        var settings = settings(of: pod, below: parent, hasOwnCPUs: hasOwnCPUs)
        if processes > 0 { settings += CgroupSetting.processes(path(of: pod, below: parent), limit: processes) }
        return settings.apply()
    }

    /// Sets what is more than the group has now, and leaves what is less: before containers get more.
    static func raise(_ pod: Pod, below parent: String, hasOwnCPUs: Bool) {
        for setting in settings(of: pod, below: parent, hasOwnCPUs: hasOwnCPUs) { setting.raise() }
    }

    private static let qualities = ["/kubepods", "/kubepods/burstable", "/kubepods/besteffort"]

    /// Where groups of pods are, with cgroup v1, on v2 and on both at once.
    private static func places(below parent: String, root: String) -> [String] {
        ([root] + Files.names(in: root).map { "\(root)/\($0)" }).flatMap { hierarchy in qualities.map { hierarchy + parent + $0 } }
    }

    /// The uids of the pods that have a group in any hierarchy.
    static func uids(below parent: String, root: String = root) -> Set<String> {
        Set(places(below: parent, root: root).flatMap(Files.names).filter { $0.hasPrefix("pod") }.map { String($0.dropFirst(3)) })
    }

    /// Removes the group from every hierarchy. Groups that still have processes stay, and go with the next attempt.
    static func remove(uid: String, below parent: String, root: String = root) {
        for place in places(below: parent, root: root) { Files.removeDirectories("\(place)/pod\(uid)") }
    }
}
