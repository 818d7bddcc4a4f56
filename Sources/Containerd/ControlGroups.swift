internal import FileSystem
internal import Glibc

/// The control groups of pods, in every hierarchy there is.
public enum ControlGroups {
    private static let root = "/sys/fs/cgroup"

    /// The groups a process is in, without those that it shares with everyone.
    static func of(_ pid: pid_t) -> Set<String> {
        // A line is `4:memory:/kubepods/pod1/id`.
        let lines = Files.text("/proc/\(pid)/cgroup")?.split(separator: "\n") ?? []
        return Set(
            lines.compactMap { $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last.map(String.init) }.filter {
                $0 != "/" && !$0.contains("..")
            })
    }

    /// Removes the groups below `path` whose makers have ended: `NAME.PID.NUMBER` is how those are called. What another process is about to
    /// enter stays.
    public static func removeOrphans(in path: String) {
        for hierarchy in [root] + Files.names(in: root).map({ root + "/" + $0 }) {
            for name in Files.names(in: hierarchy + path) {
                let parts = name.split(separator: ".")
                guard parts.count == 3, let maker = pid_t(parts[1]), kill(maker, 0) != 0 else { continue }
                Files.removeDirectories("\(hierarchy)\(path)/\(name)")
            }
            rmdir(hierarchy + path)
        }
    }

    /// Removes a group and those below it, where no process is in them. Blocks for as long as the kernel does.
    /// - Parameter path: in the hierarchy, such as `/kubepods`. The root itself is never touched.
    public static func remove(_ path: String) {
        guard path.hasPrefix("/"), path.count > 1, !path.contains("..") else { return }
        for hierarchy in [root] + Files.names(in: root).map({ root + "/" + $0 }) { Files.removeDirectories(hierarchy + path) }
    }
}
