internal import CLinux
internal import FileSystem
internal import Glibc

/// The clusters of this machine that have a name: a file each, with its number and where its data is.
///
/// ```
/// /var/lib/apus-clusters/dev2:  1 /var/lib/apus-dev2
/// ```
struct ClusterRegistry {
    struct Entry: Equatable {
        var cluster: ClusterName
        var directory: String

        /// Its data is there, or was never made: then nobody but its `up` knows of it.
        var isAlive: Bool { access(directory, F_OK) == 0 }
    }

    let path: String

    /// - Parameter path: another directory, for tests.
    init(path: String = getenv("APUS_CLUSTERS_DIR").map { String(cString: $0) } ?? "/var/lib/apus-clusters") { self.path = path }

    /// Those whose data is still there, by number.
    var entries: [Entry] { all.filter(\.isAlive).sorted { $0.cluster.number < $1.cluster.number } }

    func entry(_ name: String) -> Entry? { all.first { $0.cluster.name == name && $0.isAlive } }
    /// The one whose data is in that directory.
    func entry(at directory: String) -> Entry? { all.first { $0.directory == directory && $0.isAlive } }

    /// The cluster of that name for one of its roles, whatever directory it is known by; one that nobody knows is from now on known by
    /// `directory`, which is there.
    ///
    /// - Throws: as `take`.
    func join(_ name: String, directory: String) throws -> ClusterName { try entry(name)?.cluster ?? take(name, directory: directory) }

    /// The cluster of that name, with its data in `directory`, which is there: the one that there is, or one with a number that nobody has.
    ///
    /// - Throws: `StartupFailure` where the name is another's, or all numbers are taken.
    func take(_ name: String, directory: String) throws -> ClusterName {
        do { try Files.makeDirectory(path, mode: 0o755) } catch { throw StartupFailure("\(path) cannot be made: \(error)") }
        let lock = open("\(path)/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw StartupFailure("\(path)/.lock cannot be written: \(String(cString: strerror(errno)))") }
        // Nobody has it for longer than this takes.
        defer { close(lock) }
        while apus_file_take(lock) != 0 { usleep(1000) }

        if let known = entry(name) {
            guard known.directory == directory else {
                throw StartupFailure(
                    "the cluster \(name) has its data in \(known.directory), and not in \(directory): choose another --name")
            }
            return known.cluster
        }
        if let other = entry(at: directory) {
            throw StartupFailure("\(directory) has the data of the cluster \(other.cluster.name): choose another --data-dir")
        }
        for gone in all where !gone.isAlive { unlink("\(path)/\(gone.cluster.name)") }
        let taken = Set(all.map(\.cluster.number))
        guard let number = ClusterName.numbers.first(where: { !taken.contains($0) }) else {
            throw StartupFailure("there are \(taken.count) clusters on this machine, and no more can be: remove the data of one of \(path)")
        }
        do { try Files.replace("\(path)/\(name)", Array("\(number) \(directory)\n".utf8), mode: 0o644) } catch {
            throw StartupFailure("\(path)/\(name) cannot be written: \(error)")
        }
        return ClusterName(name: name, number: number)
    }

    private var all: [Entry] {
        Files.names(in: path).filter(ClusterName.isName).compactMap { name in
            let parts = (Files.text("\(path)/\(name)") ?? "").split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let number = Int(parts[0]), ClusterName.numbers ~= number else { return nil }
            return Entry(cluster: ClusterName(name: name, number: number), directory: String(parts[1].prefix { $0 != "\n" }))
        }
    }
}
