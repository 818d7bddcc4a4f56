import Glibc

/// Keeps the files of a volume such that a reader sees either all of the old ones or all of the new ones.
///
/// The files lie in a directory named by the time, `..data` points to it, and each name in the volume points through `..data`. Changing the
/// one link changes all. The layout is upstream's (`volume/util/atomic_writer.go`), which programs rely on.
struct AtomicWriter {
    let directory: String

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
    @discardableResult
    func write(_ files: [String: File], group: Int64? = nil) throws -> Bool {
        let old = Files.linkTarget("\(directory)/\(Self.data)")
        if let old, holds(files, in: "\(directory)/\(old)") {
            // An earlier attempt may have ended before the links were made.
            try link(files)
            return false
        }
        let name = try makeDirectory()
        let fresh = "\(directory)/\(name)"
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            let target = "\(fresh)/\(path)"
            try Files.makeDirectories(Files.parent(of: target))
            try Files.write(file.bytes, to: target, mode: file.mode)
            if let user = file.user { try Files.change(target, user: user) }
        }
        if let group { try Self.give(fresh, to: group) }
        let next = "\(directory)/\(Self.next)"
        Files.remove(next)
        try Files.link(name, at: next)
        try Files.rename(next, to: "\(directory)/\(Self.data)")
        try link(files)
        unlinkOthers(files)
        if let old { Files.removeTree("\(directory)/\(old)") }
        return true
    }

    private func holds(_ files: [String: File], in directory: String) -> Bool {
        guard Self.paths(in: directory) == Set(files.keys) else { return false }
        return files.allSatisfy { path, file in Files.read("\(directory)/\(path)") == file.bytes }
    }

    static func paths(in directory: String, prefix: String = "") -> Set<String> {
        var paths: Set<String> = []
        for name in Files.entries(directory) {
            if Files.status("\(directory)/\(name)", followLinks: false).map({ $0.st_mode & S_IFMT == S_IFDIR }) ?? false {
                paths.formUnion(Self.paths(in: "\(directory)/\(name)", prefix: prefix + name + "/"))
            } else {
                paths.insert(prefix + name)
            }
        }
        return paths
    }

    private func makeDirectory() throws -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let name =
            "..\(parts.tm_year + 1900)_\(two(parts.tm_mon + 1))_\(two(parts.tm_mday))_\(two(parts.tm_hour))_\(two(parts.tm_min))_\(two(parts.tm_sec)).\(now.tv_nsec)"
        try Files.makeDirectories("\(directory)/\(name)")
        return name
    }

    private static func first(_ path: String) -> String { String(path.prefix { $0 != "/" }) }

    private func link(_ files: [String: File]) throws {
        for name in Set(files.keys.map(Self.first)) where !Files.exists("\(directory)/\(name)") {
            try Files.link("\(Self.data)/\(name)", at: "\(directory)/\(name)")
        }
    }

    private func unlinkOthers(_ files: [String: File]) {
        let wanted = Set(files.keys.map(Self.first))
        for name in Files.entries(directory) where !name.hasPrefix("..") && !wanted.contains(name) { Files.remove("\(directory)/\(name)") }
    }

    /// Lets a group read all of a tree, and write where the owner can. Upstream: `SetVolumeOwnership`.
    static func give(_ path: String, to group: Int64) throws {
        guard let status = Files.status(path, followLinks: false) else { return }
        let kind = status.st_mode & S_IFMT
        try Files.change(path, group: group)
        if kind == S_IFLNK { return }
        let isDirectory = kind == S_IFDIR
        let own = (status.st_mode & 0o700) >> 3
        try Files.change(path, mode: (status.st_mode & 0o7777) | own | 0o440 | (isDirectory ? 0o2110 : 0))
        if isDirectory { for name in Files.entries(path) { try give("\(path)/\(name)", to: group) } }
    }
}
