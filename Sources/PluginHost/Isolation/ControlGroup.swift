internal import FileSystem
internal import Glibc
internal import Synchronization

/// The control groups of one child process, one in each hierarchy that has a controller for its limits: what they limit is the process
/// together with whatever it starts.
final class ControlGroup: Sendable {
    /// Where all of them are, in every hierarchy.
    private static let parent = "apus-plugins"
    /// Beside what a manifest allows a plugin: what an empty child has, and what the kernel keeps for it.
    private static let overhead: Int64 = 64 << 20
    private static let count = Atomic(0)

    /// `cgroup.procs` of each, open for writing, for a process to enter.
    let descriptors: [Int32]
    /// What the system does not let this process limit; empty when all is limited.
    let refusals: [String]
    private let directories: [String]
    /// Where the kernel counts processes that it ended for want of memory.
    private let killCount: String?

    /// Makes the groups with their limits.
    /// - Parameter threads: how many it has for the host, beyond the limit.
    init(plugin: String, _ limits: ResolvedLimits, threads: Int) {
        // Plugins have no dots in their names.
        let name = "\(plugin).\(getpid()).\(Self.count.add(1, ordering: .relaxed).newValue)"
        let quota = limits.cpu * 100
        let settings: [(controller: String, version1: [Setting], version2: [Setting])] = [
            (
                "memory",
                [
                    Setting("memory.limit_in_bytes", limits.memory + Self.overhead),
                    Setting("memory.memsw.limit_in_bytes", limits.memory + Self.overhead, isOptional: true),
                ],
                [
                    Setting("memory.max", limits.memory + Self.overhead), Setting("memory.swap.max", 0, isOptional: true),
                    Setting("memory.oom.group", 1, isOptional: true),
                ]
            ),
            (
                "cpu", [Setting("cpu.cfs_period_us", 100_000), Setting("cpu.cfs_quota_us", quota)],
                [Setting("cpu.max", "\(quota) 100000")]
            ),
            ("pids", [Setting("pids.max", limits.processes + threads)], [Setting("pids.max", limits.processes + threads)]),
        ]
        var (directories, refusals) = ([String](), [String]())
        var killCount: String?
        for (controller, version1, version2) in settings {
            guard let hierarchy = Self.hierarchies.first(where: { $0.controllers.contains(controller) }) else {
                refusals.append("there is no controller for \(controller)")
                continue
            }
            let directory = "\(hierarchy.mountPoint)/\(Self.parent)/\(name)"
            do throws(Refusal) {
                if !directories.contains(directory) {
                    try Self.make(directory, in: hierarchy)
                    directories.append(directory)
                }
                for setting in hierarchy.isUnified ? version2 : version1 { try setting.write(in: directory) }
                if controller == "memory" {
                    killCount = "\(directory)/\(hierarchy.isUnified ? "memory.events" : "memory.oom_control")"
                }
            } catch {
                refusals.append(error.sentence)
            }
        }
        self.directories = directories
        self.killCount = killCount
        descriptors = directories.map { Glibc.open("\($0)/cgroup.procs", O_WRONLY | O_CLOEXEC) }.filter { $0 >= 0 }
        self.refusals = refusals
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    /// Whether the kernel ended a process of the group because its memory was used up.
    var ranOutOfMemory: Bool {
        guard let killCount, let text = Files.text(killCount) else { return false }
        return text.split(separator: "\n").contains { $0.hasPrefix("oom_kill ") && $0 != "oom_kill 0" }
    }

    /// The process is no more, and with it all that it started.
    func remove() {
        for directory in directories {
            rmdir(directory)
            // Goes with the last one.
            rmdir(String(directory[..<directory.lastIndex(of: "/")!]))
        }
    }
}

// Making them.
extension ControlGroup {
    private struct Refusal: Error { let sentence: String }

    private struct Setting {
        var file: String
        var value: String
        /// Not every kernel has it.
        var isOptional: Bool

        init(_ file: String, _ value: some CustomStringConvertible, isOptional: Bool = false) {
            self.file = file
            self.value = value.description
            self.isOptional = isOptional
        }

        func write(in directory: String) throws(Refusal) {
            guard !writeFile("\(directory)/\(file)", value), !isOptional else { return }
            throw Refusal(sentence: "\(directory)/\(file) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// What this machine has. Groups that an earlier process could not remove any more go when this is first asked for.
    private static let hierarchies: [ControlGroupHierarchy] = {
        let all = ControlGroupHierarchy.all(mounts: Files.text("/proc/self/mountinfo") ?? "") {
            Files.text("\($0)/cgroup.controllers") ?? ""
        }
        for hierarchy in all { removeLeftOver("\(hierarchy.mountPoint)/\(parent)") }
        return all
    }()

    private static func removeLeftOver(_ directory: String) {
        for name in Files.names(in: directory) {
            // Whose maker still runs may be about to be entered. One with a process in it stays in any case.
            let parts = name.split(separator: ".")
            guard parts.count == 3, let maker = pid_t(parts[1]), kill(maker, 0) != 0, errno == ESRCH else { continue }
            rmdir("\(directory)/\(name)")
        }
    }

    private static func make(_ directory: String, in hierarchy: ControlGroupHierarchy) throws(Refusal) {
        let parent = "\(hierarchy.mountPoint)/\(parent)"
        // Another's last group may take the parent along between the two.
        for _ in 0..<3 {
            if mkdir(parent, 0o755) == 0 || errno == EEXIST, hierarchy.isUnified {
                // Fails where it is so already, or may not be; the limits will tell.
                for group in [hierarchy.mountPoint, parent] {
                    for controller in ["memory", "cpu", "pids"] { _ = writeFile("\(group)/cgroup.subtree_control", "+\(controller)") }
                }
            }
            if mkdir(directory, 0o755) == 0 { return }
            guard errno == ENOENT else { break }
        }
        throw Refusal(sentence: "\(directory) cannot be made: \(String(cString: strerror(errno)))")
    }
}

/// One mounted tree of control groups.
struct ControlGroupHierarchy: Sendable, Equatable {
    var mountPoint: String
    /// Those that this process may ask for.
    var controllers: Set<String>
    /// Version 2.
    var isUnified: Bool

    /// Reads `/proc/self/mountinfo`. The first that has a controller is the one to use for it.
    /// - Parameter controllers: what a mount point of version 2 says it has, separated by spaces.
    static func all(mounts: String, controllers: (String) -> String) -> [ControlGroupHierarchy] {
        mounts.split(separator: "\n").compactMap { line in
            // `24 18 0:22 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory`
            let words = line.split(separator: " ").map(String.init)
            guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count >= dash + 4 else { return nil }
            let (mountPoint, kind, options) = (words[4], words[dash + 1], words[dash + 3])
            switch kind {
            case "cgroup":
                return ControlGroupHierarchy(
                    mountPoint: mountPoint, controllers: Set(options.split(separator: ",").map(String.init)), isUnified: false)
            case "cgroup2":
                let names = controllers(mountPoint).split(whereSeparator: \.isWhitespace).map(String.init)
                return ControlGroupHierarchy(mountPoint: mountPoint, controllers: Set(names), isUnified: true)
            default: return nil
            }
        }
    }
}

/// `false`, with `errno`, when the file does not take it.
private func writeFile(_ path: String, _ text: String) -> Bool {
    let file = Glibc.open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    var text = text
    let written = text.withUTF8 { write(file, $0.baseAddress, $0.count) }
    let failure = errno
    close(file)
    errno = failure
    return written >= 0
}
