import APIModel
import FileSystem

/// A file of a group in the kernel's cgroup tree, and the value wanted there: -1 is no limit. Blocks as long as the kernel does.
struct CgroupSetting: Sendable {
    var file: String
    var value: Whole
    /// What to write, where that is not the value alone.
    var format: (@Sendable (Whole) -> String)?

    private var text: String { format?(value) ?? String(value) }

    static let root = "/sys/fs/cgroup"

    /// Whether the tree is of the first version: the second has this file at its top. Blocks.
    static func isFirstVersion(_ root: String = root) -> Bool { !Files.exists(root + "/cgroup.controllers") }

    /// The weight of a group, with cgroup v1 or v2.
    static func weight(_ path: String, milliCPU: Whole, root: String = root) -> [CgroupSetting] {
        let shares = ContainerResources.shares(milliCPU: milliCPU)
        return [
            CgroupSetting(file: "\(root)/cpu\(path)/cpu.shares", value: shares),
            // The mapping of runc, from the range of shares to that of weights.
            CgroupSetting(file: "\(root)\(path)/cpu.weight", value: 1 + (shares - 2) * 9999 / 262_142),
        ]
    }

    static func memory(_ path: String, limit: Whole, root: String = root) -> [CgroupSetting] {
        [
            CgroupSetting(file: "\(root)/memory\(path)/memory.limit_in_bytes", value: limit),
            CgroupSetting(file: "\(root)\(path)/memory.max", value: limit),
        ]
    }

    /// How many processes there may be.
    static func processes(_ path: String, limit: Whole, root: String = root) -> [CgroupSetting] {
        ["\(root)/pids\(path)/pids.max", "\(root)\(path)/pids.max"].map { CgroupSetting(file: $0, value: limit) }
    }

    /// Sets what is not as it should be. A file that is not there, for want of a controller, is passed over. Answers whether the kernel
    /// took it.
    func apply() -> Bool {
        guard let now = current else { return true }
        // The kernel rounds memory down to pages.
        return now == value || Files.writeExisting(text, to: file)
    }

    /// Sets it where the group has less now.
    func raise() {
        guard let now = current, now >= 0, now < value else { return }
        Files.writeExisting(text, to: file)
    }

    /// The number the file begins with, -1 for `max`; `nil` when there is no such file.
    private var current: Whole? {
        guard let word = Files.text(file)?.split(whereSeparator: \.isWhitespace).first else { return nil }
        return word == "max" ? -1 : Whole(word)
    }
}

extension Sequence<CgroupSetting> {
    /// Answers the files that are there and did not take their value.
    func apply() -> [String] { filter { !$0.apply() }.map(\.file) }
}
