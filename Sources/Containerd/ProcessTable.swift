internal import FileSystem
internal import Glibc

/// Which processes there are, read once.
struct ProcessTable {
    let all: [pid_t]
    private let children: [pid_t: [pid_t]]

    init() {
        all = Files.names(in: "/proc").compactMap { pid_t($0) }.sorted()
        var children: [pid_t: [pid_t]] = [:]
        for pid in all {
            guard let text = Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { continue }
            let fields = text[text.index(after: end)...].split(separator: " ")
            if fields.count > 1, let parent = pid_t(fields[1]) { children[parent, default: []].append(pid) }
        }
        self.children = children
    }

    func arguments(_ pid: pid_t) -> [String] { Files.text("/proc/\(pid)/cmdline")?.split(separator: "\0").map(String.init) ?? [] }

    /// The process and all below it, parents first.
    func descendants(of pid: pid_t) -> [pid_t] { [pid] + (children[pid] ?? []).flatMap(descendants) }
}
