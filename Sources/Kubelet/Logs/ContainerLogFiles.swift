/// The files of one container's log: the current one, and older ones named after it.
enum ContainerLogFiles {
    /// Removes the log with all that was rotated away.
    static func remove(_ path: String) {
        let directory = Files.parent(of: path)
        let name = String(path.dropFirst(directory.count + 1))
        for entry in Files.entries(directory) where entry == name || entry.hasPrefix(name + ".") { Files.remove("\(directory)/\(entry)") }
    }

    /// What was rotated away, oldest first: the names end in the time.
    static func rotated(_ path: String) -> [String] {
        let directory = Files.parent(of: path)
        let name = String(path.dropFirst(directory.count + 1))
        return Files.entries(directory).filter { $0.hasPrefix(name + ".") }.map { "\(directory)/\($0)" }
    }
}
