internal import Dispatch
internal import Glibc
internal import Synchronization

/// The process of one exec: no runtime ends it when its client goes away, so that it would go on in the container for ever.
///
/// A runtime does not tell which process an exec is. On this machine it is found by what it is: it came to the container after the exec
/// began, by way of the parent that the container's first process has, and leads a session of its own.
struct ExecProcess: Hashable {
    private let id: Int32
    /// Tells it apart from another that has its number later.
    private let started: UInt64

    /// How long those that do not go when they are told to have, before they are killed.
    private static let grace = DispatchTimeInterval.seconds(2)

    /// Ends it and what it started, but for what made a session of its own to stay. Returns at once.
    func end() {
        signal(SIGHUP)
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.grace) { signal(SIGKILL) }
    }

    /// To the processes of its session; where it is gone itself, its number is still theirs.
    private func signal(_ number: Int32) {
        for other in ProcessEntry.all() where other.session == id && other.started >= started { kill(other.id, number) }
    }

    // MARK: Finding it

    /// What is known of a container before an exec begins in it.
    struct Before {
        fileprivate let first: ProcessEntry
        fileprivate let group: String
        fileprivate let known: Set<Int32>

        /// - Parameter process: the container's first; `nil` where this machine does not have it.
        init?(process: Int32) {
            guard let first = ProcessEntry(process), let group = ProcessEntry.group(process) else { return nil }
            (self.first, self.group) = (first, group)
            known = Set(ProcessEntry.all().map(\.id))
        }
    }

    /// Those that came since, and how each was called.
    static func newcomers(_ before: Before) -> [(process: ExecProcess, command: [String])] {
        ProcessEntry.all().compactMap { entry in
            guard entry.parent == before.first.parent, entry.session == entry.id, !before.known.contains(entry.id),
                ProcessEntry.group(entry.id) == before.group
            else { return nil }
            return (ExecProcess(id: entry.id, started: entry.started), ProcessEntry.command(entry.id))
        }
    }

    private init(id: Int32, started: UInt64) { (self.id, self.started) = (id, started) }

    /// The one that a command is, if that can be told.
    /// - Parameter isLate: a while after it began. It may be called otherwise by then, and whoever came alone is it.
    static func choose(
        _ command: [String], among newcomers: [(process: ExecProcess, command: [String])], isLate: Bool
    ) -> ExecProcess? {
        let same = newcomers.filter { $0.command == command }
        if same.count == 1 { return same[0].process }
        return isLate && newcomers.count == 1 ? newcomers[0].process : nil
    }
}

/// A line of the kernel's table of processes.
private struct ProcessEntry {
    let id: Int32
    let parent: Int32
    let session: Int32
    let started: UInt64

    /// `nil` when there is none of that number.
    init?(_ id: Int32) {
        guard let text = Self.read("/proc/\(id)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        // From the third field on: what is in parentheses is the process's own to choose.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let parent = Int32(fields[1]), let session = Int32(fields[3]), let started = UInt64(fields[19]) else {
            return nil
        }
        (self.id, self.parent, self.session, self.started) = (id, parent, session, started)
    }

    static func all() -> [ProcessEntry] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [ProcessEntry] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let id = Int32(name), let process = ProcessEntry(id) { found.append(process) }
        }
        return found
    }

    /// Its control groups.
    static func group(_ id: Int32) -> String? { read("/proc/\(id)/cgroup") }

    static func command(_ id: Int32) -> [String] {
        (read("/proc/\(id)/cmdline") ?? "").split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes += piece[..<count]
        }
    }
}
