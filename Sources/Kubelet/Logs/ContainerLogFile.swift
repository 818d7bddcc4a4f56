import FileSystem

/// One container's log: the current file, and older ones named after it. Only files below the directory of all logs are touched, wherever
/// the runtime says they are. Blocks.
struct ContainerLogFile: Equatable, Sendable {
    /// As the runtime names it.
    let path: String
    private let root: String

    init(_ path: String, _ configuration: KubeletConfiguration) {
        self.path = path
        root = configuration.podLogsDirectory
    }

    var name: String { String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]) }

    func open() throws(Files.Failure) -> OpenFile { try directory().file(name) }

    /// Removes the log with all that was rotated away.
    func remove() {
        guard let directory = try? directory(), let names = try? directory.names() else { return }
        for entry in names where entry == name || entry.hasPrefix(name + ".") { directory.remove(entry) }
    }

    /// What was rotated away, oldest first: the names end in the time.
    func rotated() throws(Files.Failure) -> [String] { try directory().names().filter { $0.hasPrefix(name + ".") } }

    func directory() throws(Files.Failure) -> Directory {
        let parent = Files.parent(of: path)
        guard parent.hasPrefix(root + "/") else {
            throw Files.Failure(operation: "open", path: path, reason: "outside of \(root)")
        }
        return try Directory.open(root).directory(String(parent.dropFirst(root.count + 1)))
    }
}
