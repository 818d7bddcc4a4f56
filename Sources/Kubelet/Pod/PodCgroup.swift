import APIModel

/// A pod's own group in the kernel's cgroup tree, between its quality of service and its containers: shares and limits that hold for the
/// pod as a whole. Everything here blocks as long as the kernel does.
///
/// The runtime makes the group when it makes the sandbox; the kubelet sets its values and takes it away when the pod is gone. Works on
/// cgroup v1, on v2 and on both at once.
struct PodCgroup: Sendable {
    private static let root = "/sys/fs/cgroup"

    static func path(of pod: Pod) -> String { QualityOfService(of: pod).cgroup + "/pod" + pod.uid }

    /// A file of the group, and the value wanted there: -1 is no limit.
    private struct Setting {
        var file: String
        var value: Whole
        /// What to write, where that is not the value alone.
        var text: String { format?(value) ?? String(value) }
        var format: (@Sendable (Whole) -> String)?
    }

    private static func settings(of pod: Pod) -> [Setting] {
        let (path, resources) = (path(of: pod), PodResources(of: pod))
        let shares = ContainerResources.shares(milliCPU: resources.cpuRequest)
        // The mapping of runc, from the range of shares to that of weights.
        var settings = [
            Setting(file: "\(root)/cpu\(path)/cpu.shares", value: shares),
            Setting(file: "\(root)\(path)/cpu.weight", value: 1 + (shares - 2) * 9999 / 262_142),
        ]
        if let limit = resources.cpuLimit {
            let quota = ContainerResources.quota(milliCPU: limit)
            settings.append(Setting(file: "\(root)/cpu\(path)/cpu.cfs_quota_us", value: quota))
            settings.append(Setting(file: "\(root)\(path)/cpu.max", value: quota) { "\($0) \(ContainerResources.period)" })
        }
        if let limit = resources.memoryLimit {
            settings.append(Setting(file: "\(root)/memory\(path)/memory.limit_in_bytes", value: limit))
            settings.append(Setting(file: "\(root)\(path)/memory.max", value: limit))
        }
        return settings
    }

    /// Sets shares and limits in every hierarchy that has them. A controller that is missing, or a machine that does not allow it, leaves
    /// the pod with its containers' own values. Answers the files that are there and did not take their value.
    @discardableResult
    static func apply(_ pod: Pod) -> [String] {
        settings(of: pod).filter { setting in
            guard let now = current(setting.file) else { return false }
            // The kernel rounds memory down to pages.
            return now != setting.value && !Files.writeExisting(setting.text, to: setting.file)
        }.map(\.file)
    }

    /// Sets what is more than the group has now, and leaves what is less: before containers get more.
    static func raise(_ pod: Pod) {
        for setting in settings(of: pod) {
            guard let now = current(setting.file), now >= 0, now < setting.value else { continue }
            Files.writeExisting(setting.text, to: setting.file)
        }
    }

    /// The number a file begins with, -1 for `max`; `nil` when there is no such file.
    private static func current(_ file: String) -> Whole? {
        guard let word = Files.text(file)?.split(whereSeparator: \.isWhitespace).first else { return nil }
        return word == "max" ? -1 : Whole(word)
    }

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
