import FileSystem
import Glibc

/// Finds the sockets of plugins in a directory and those below it, as they come and go. Upstream: `pluginmanager/pluginwatcher`.
struct PluginSockets: Sendable {
    let directory: String
    let disk: BlockingWork

    /// How often is looked where nothing tells of changes.
    private static let period = Duration.seconds(10)

    /// One socket file: another of the same name is another.
    struct Socket: Hashable, Sendable {
        var path: String
        fileprivate var inode: UInt64
        fileprivate var seconds: Int64
        fileprivate var nanoseconds: Int64
    }

    /// Tells of all that are there at once and then whenever that changes, until cancelled. Makes the directory.
    func run(_ tell: @Sendable (Set<Socket>) async -> Void) async {
        var watches: [String: FileWatch.Watch] = [:]
        let changed = Wakeup()
        defer { for watch in watches.values { watch.cancel() } }
        var told: Set<Socket>?
        while !Task.isCancelled {
            let directory = directory
            guard let found = try? await disk.run({ try Self.look(in: directory) }) else {
                await changed.wait(until: .now + .seconds(1))
                continue
            }
            for (path, watch) in watches where !found.directories.contains(path) {
                watch.cancel()
                watches[path] = nil
            }
            let fresh = found.directories.filter { watches[$0] == nil }
            for path in fresh { watches[path] = FileWatch.shared.watch(path, changed) }
            if found.sockets != told { await tell(found.sockets) }
            told = found.sockets
            // Something may have come before it was watched.
            if fresh.isEmpty { await changed.wait(until: .now + Self.period) }
        }
    }

    /// The sockets and the directories that are there. What begins with a dot is nobody's business.
    private static func look(in root: String) throws -> (sockets: Set<Socket>, directories: Set<String>) {
        var sockets: Set<Socket> = []
        var directories: Set<String> = []
        var pending = [try Directory.make(root, mode: 0o755)]
        while let directory = pending.popLast() {
            directories.insert(directory.path)
            for name in (try? directory.names()) ?? [] where !name.hasPrefix(".") {
                guard let status = directory.status(name) else { continue }
                switch status.kind {
                case S_IFDIR: if let below = try? directory.directory(name) { pending.append(below) }
                case S_IFSOCK:
                    sockets.insert(
                        Socket(
                            path: "\(directory.path)/\(name)", inode: status.inode, seconds: status.changed.seconds,
                            nanoseconds: status.changed.nanoseconds))
                default: break
                }
            }
        }
        return (sockets, directories)
    }
}
