import FileSystem
import Glibc

/// Keeps the files of a volume such that a reader sees either all of the old ones or all of the new ones.
///
/// The files lie in a directory named by the time, `..data` points to it, and each name in the volume points through `..data`. Changing the
/// one link changes all. The layout is upstream's (`volume/util/atomic_writer.go`), which programs rely on. Links that are found in the
/// volume are never followed: what they say is a name at most.
struct AtomicWriter {
    let volume: Directory

    struct File: Equatable {
        var bytes: [UInt8]
        var mode: mode_t
        /// Whom the file belongs to, when not to root.
        var user: Int64?
    }

    private static let data = "..data"
    private static let next = "..data_tmp"

    /// Makes the volume hold exactly `files`, by their paths in it. Does nothing when it does already, and answers whether it did
    /// something.
    /// - Parameter group: may read all of it. Upstream: `SetVolumeOwnership` of a volume that is read-only.
    @discardableResult
    func write(_ files: [String: File], group: Int64? = nil) throws -> Bool {
        for path in files.keys { try Self.check(path) }
        let current = volume.linkTarget(Self.data).flatMap { Self.isDataName($0) ? $0 : nil }
        if let current, let old = try? volume.directory(current), holds(files, in: old) {
            // An earlier attempt may have ended before the links were made.
            try link(files)
            return false
        }
        if let group { try own(volume, group: group) }
        let name = Self.dataName()
        do {
            try fill(name, files, group: group)
        } catch {
            // Half of it is of use to nobody, and the room it takes may be what is missing.
            volume.removeTree(name)
            volume.remove(Self.next)
            throw error
        }
        try link(files)
        try removeOthers(files, but: name)
        return true
    }

    private func fill(_ name: String, _ files: [String: File], group: Int64?) throws {
        let fresh = try volume.make(name, mode: 0o755)
        if let group { try own(fresh, group: group) }
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            try makeDirectories(above: path, in: fresh, group: group)
            try fresh.create(path, file.bytes, mode: file.mode | (group == nil ? 0 : 0o440), user: file.user, group: group)
        }
        volume.remove(Self.next)
        try volume.link(name, at: Self.next)
        try volume.rename(Self.next, to: Self.data)
    }

    /// Upstream: `validatePath`.
    private static func check(_ path: String) throws {
        let names = path.split(separator: "/", omittingEmptySubsequences: false)
        if path.isEmpty { throw ConfigurationError(message: "invalid path: must not be empty: \"\"") }
        if path.hasPrefix("/") { throw ConfigurationError(message: "invalid path: must be relative path: \(path)") }
        if path.utf8.count > 4096 { throw ConfigurationError(message: "invalid path: must be less than or equal to 4096 characters") }
        if names.contains("..") { throw ConfigurationError(message: "invalid path: must not contain '..': \(path)") }
        if names.contains(where: { $0.utf8.count > 255 }) {
            throw ConfigurationError(message: "invalid path: filenames must be less than or equal to 255 characters")
        }
        if path.hasPrefix("..") { throw ConfigurationError(message: "invalid path: must not start with '..': \(path)") }
    }

    private func own(_ directory: Directory, group: Int64) throws {
        try directory.change(group: group)
        try directory.change(mode: (directory.status()?.permissions ?? 0o755) | 0o2550)
    }

    private func makeDirectories(above path: String, in directory: Directory, group: Int64?) throws {
        var directory = directory
        for name in path.split(separator: "/").dropLast() {
            let isNew = !directory.exists(String(name))
            directory = try directory.make(String(name), mode: 0o755)
            if isNew, let group { try own(directory, group: group) }
        }
    }

    // MARK: What is there

    private func holds(_ files: [String: File], in directory: Directory) -> Bool {
        guard paths(in: directory, prefix: "", depth: 0) == Set(files.keys.map(Self.clean)) else { return false }
        return files.allSatisfy { path, file in directory.read(path, upTo: file.bytes.count + 1) == file.bytes }
    }

    /// The files of the tree; `nil` when it is none that was made here.
    private func paths(in directory: Directory, prefix: String, depth: Int) -> Set<String>? {
        // A path has at most 4096 characters.
        guard depth < 2048, let names = try? directory.names() else { return nil }
        var paths: Set<String> = []
        for name in names {
            guard let status = directory.status(name) else { return nil }
            if status.isDirectory {
                guard let below = try? directory.directory(name),
                    let found = self.paths(in: below, prefix: prefix + name + "/", depth: depth + 1)
                else { return nil }
                paths.formUnion(found)
            } else {
                paths.insert(prefix + name)
            }
        }
        return paths
    }

    private static func clean(_ path: String) -> String { path.split(separator: "/").filter { $0 != "." }.joined(separator: "/") }

    private static func isDataName(_ name: String) -> Bool { name.hasPrefix("..2") && !name.contains("/") }

    private static func dataName() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec].map(two)
        return "..\(date.joined(separator: "_")).\(now.tv_nsec)"
    }

    // MARK: Names in the volume

    private static func first(_ path: String) -> String { String(clean(path).prefix { $0 != "/" }) }

    private func link(_ files: [String: File]) throws {
        for name in Set(files.keys.map(Self.first)) where !volume.exists(name) { try volume.link("\(Self.data)/\(name)", at: name) }
    }

    /// Directories stay: other volumes are mounted on them.
    private func removeOthers(_ files: [String: File], but data: String) throws {
        let wanted = Set(files.keys.map(Self.first))
        for name in try volume.names() {
            if name.hasPrefix("..") {
                if name != Self.data && name != data { volume.removeTree(name) }
            } else if !wanted.contains(name) {
                volume.remove(name)
            }
        }
    }
}
