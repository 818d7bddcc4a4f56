import Glibc

/// Mounts a part of a volume for a container, safe from a container that swaps directories for links meanwhile. Upstream:
/// `volume/util/subpath`.
enum SubPath {
    /// `O_PATH`, which the C library hides behind `_GNU_SOURCE`: a handle that neither reads nor writes.
    private static let handle: Int32 = 0o10000000

    /// Binds `path` of the volume at `root` to `target` and returns `target`. Makes a directory where there is nothing. Binding again
    /// replaces the old binding, because the volume's files may have been replaced since.
    static func bind(_ path: String, of root: String, at target: String) throws -> String {
        guard !path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            throw ConfigurationError(message: "invalid subPath \"\(path)\"")
        }
        guard let realRoot = Files.resolved(root) else { throw Files.Failure(operation: "lstat", path: root, code: ENOENT) }
        let whole = "\(realRoot)/\(path)"
        if Files.resolved(whole) == nil { try makeDirectories(path, below: realRoot) }
        guard let real = Files.resolved(whole), real == realRoot || real.hasPrefix(realRoot + "/") else {
            throw ConfigurationError(message: "failed to prepare subPath for volumeMount: subpath \"\(path)\" is outside of the volume")
        }
        let file = try open(String(real.dropFirst(realRoot.count)), below: realRoot)
        defer { close(file) }
        if Files.exists(target) { Mounts.unmountAll(below: target) }
        var status = stat()
        fstat(file, &status)
        if status.st_mode & S_IFMT == S_IFDIR {
            try Files.makeDirectories(target)
        } else {
            try Files.makeDirectories(Files.parent(of: target))
            if !Files.exists(target) { try Files.write([], to: target) }
        }
        try Mounts.bind("/proc/self/fd/\(file)", at: target)
        return target
    }

    /// Opens a path that has no links left, step by step, so that a link put there meanwhile is noticed.
    private static func open(_ path: String, below root: String) throws -> Int32 {
        var file = Glibc.open(root, handle | O_CLOEXEC)
        guard file >= 0 else { throw Files.Failure(operation: "open", path: root, code: errno) }
        for name in path.split(separator: "/") {
            let next = openat(file, String(name), handle | O_NOFOLLOW | O_CLOEXEC)
            let code = errno
            close(file)
            guard next >= 0 else { throw Files.Failure(operation: "open", path: "\(root)/\(path)", code: code) }
            var status = stat()
            guard fstat(next, &status) == 0, status.st_mode & S_IFMT != S_IFLNK else {
                close(next)
                throw ConfigurationError(message: "failed to prepare subPath for volumeMount: \"\(name)\" of \"\(path)\" became a link")
            }
            file = next
        }
        return file
    }

    private static func makeDirectories(_ path: String, below root: String) throws {
        var file = Glibc.open(root, handle | O_CLOEXEC)
        guard file >= 0 else { throw Files.Failure(operation: "open", path: root, code: errno) }
        defer { close(file) }
        // The new directories are as open as the volume they are in.
        let mode = (Files.status(root)?.st_mode ?? 0o755) & 0o7777
        for name in path.split(separator: "/") {
            var next = openat(file, String(name), handle | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC)
            if next < 0 && errno == ENOENT {
                guard mkdirat(file, String(name), mode) == 0 else {
                    throw Files.Failure(operation: "mkdir", path: "\(root)/\(path)", code: errno)
                }
                next = openat(file, String(name), handle | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC)
            }
            guard next >= 0 else { throw Files.Failure(operation: "mkdir", path: "\(root)/\(path)", code: errno) }
            close(file)
            file = next
        }
    }
}
