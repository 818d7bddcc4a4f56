import APIModel
import FileSystem

/// What something uses of CPU and memory; `nil` is not known. Bytes, but for the times.
struct Usage: Equatable, Sendable {
    /// CPU time since it began, in nanoseconds.
    var cpuTime: Whole?
    var memory: Whole?
    /// The part of it that could not be given back at once.
    var workingSet: Whole?
    var rss: Whole?
    var pageFaults: Whole?
    var majorPageFaults: Whole?

    init() {}

    /// - Parameter stats: CRI's `ContainerStats`.
    init(_ stats: Value) {
        func number(_ part: String, _ field: String) -> Whole? { stats[path: part, field, "value"].int }
        cpuTime = number("cpu", "usage_core_nano_seconds")
        memory = number("memory", "usage_bytes")
        workingSet = number("memory", "working_set_bytes")
        rss = number("memory", "rss_bytes")
        pageFaults = number("memory", "page_faults")
        majorPageFaults = number("memory", "major_page_faults")
    }
}

// MARK: A group of the kernel's

extension Usage {
    /// What the kernel accounts to a control group, of cgroup v1 or v2. Blocks.
    /// - Parameter path: below the root of each hierarchy, empty for the whole machine.
    init(group path: String, root: String = "/sys/fs/cgroup") {
        if let text = Files.text("\(root)\(path)/cpu.stat"), let microseconds = Self.fields(text)["usage_usec"] {
            cpuTime = microseconds * 1000
            memory = Self.number("\(root)\(path)/memory.current")
            note(Self.fields(Files.text("\(root)\(path)/memory.stat") ?? ""), inactive: "inactive_file", rss: "anon", prefix: "")
        } else {
            cpuTime = Self.number("\(root)/cpuacct\(path)/cpuacct.usage")
            memory = Self.number("\(root)/memory\(path)/memory.usage_in_bytes")
            let stat = Self.fields(Files.text("\(root)/memory\(path)/memory.stat") ?? "")
            note(stat, inactive: "total_inactive_file", rss: "total_rss", prefix: "total_")
        }
    }

    private mutating func note(_ stat: [String: Whole], inactive: String, rss: String, prefix: String) {
        workingSet = memory.map { max($0 - (stat[inactive] ?? 0), 0) }
        self.rss = stat[rss]
        pageFaults = stat[prefix + "pgfault"]
        majorPageFaults = stat[prefix + "pgmajfault"]
    }

    /// Threads of all programs in a group; `nil` where nobody counts them. Blocks.
    static func processes(group path: String, root: String = "/sys/fs/cgroup") -> Whole? {
        number("\(root)\(path)/pids.current") ?? number("\(root)/pids\(path)/pids.current")
    }

    private static func number(_ file: String) -> Whole? { Files.text(file).flatMap { Whole($0.prefix { $0.isNumber }) } }

    /// A name and a number a line.
    static func fields(_ text: String) -> [String: Whole] {
        text.split(whereSeparator: \.isNewline).reduce(into: [:]) { fields, line in
            let words = line.split(separator: " ")
            if words.count == 2 { fields[String(words[0])] = Whole(words[1]) }
        }
    }
}
