internal import CLinux
internal import FileSystem
internal import Glibc

/// What this machine and this process can do, as far as containerd's configuration depends on it.
public struct HostFacts: Sendable {
    /// Whether a process may lower its `oom_score_adj`: needs CAP_SYS_RESOURCE.
    public var canLowerOOMScore: Bool
    /// Whether overlayfs works on the data directory's file system.
    public var hasOverlay: Bool
    /// Whether containers can be put into control groups.
    public var hasCgroups: Bool

    public init(canLowerOOMScore: Bool, hasOverlay: Bool, hasCgroups: Bool) {
        self.canLowerOOMScore = canLowerOOMScore
        self.hasOverlay = hasOverlay
        self.hasCgroups = hasCgroups
    }

    /// Finds out by trying. `directory` must exist; an overlay is mounted in it for a moment.
    static func detect(directory: String) -> HostFacts {
        HostFacts(canLowerOOMScore: hasCapability(24), hasOverlay: overlayWorks(in: directory), hasCgroups: cgroupsWork())
    }

    static func hasCapability(_ bit: UInt64) -> Bool {
        guard let status = Files.text("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let set = UInt64(line.dropFirst(7).drop(while: { $0 == "\t" || $0 == " " }), radix: 16)
        else { return false }
        return set & (1 << bit) != 0
    }

    private static func overlayWorks(in directory: String) -> Bool {
        let probe = directory + "/overlay-probe"
        let parts = ["lower", "upper", "work", "merged"].map { probe + "/" + $0 }
        defer { Files.removeTree(probe) }
        do throws(Files.Failure) {
            for part in parts { try Files.makeDirectory(part, mode: 0o711) }
        } catch {
            return false
        }
        guard apus_mount("overlay", parts[3], "overlay", "lowerdir=\(parts[0]),upperdir=\(parts[1]),workdir=\(parts[2])") == 0 else {
            return false
        }
        _ = apus_unmount(parts[3])
        return true
    }

    /// Version 2 with its controllers in the root, or version 1 with the controllers that runc always writes to.
    private static func cgroupsWork() -> Bool {
        let root = "/sys/fs/cgroup"
        if Files.exists(root + "/cgroup.controllers") { return access(root, W_OK) == 0 }
        return ["devices", "memory", "cpu", "pids"].contains { access("\(root)/\($0)/cgroup.procs", W_OK) == 0 }
    }
}
