import Glibc

/// What the kubelet needs of the file system, as the kernel offers it. Blocking, but short.
enum Files {
    struct Failure: Error, CustomStringConvertible {
        var operation: String
        var path: String
        var code: Int32
        /// As Go words it: `open /x: no such file or directory`.
        var description: String { "\(operation) \(path): \(Files.text(code))" }
    }

    static func text(_ code: Int32) -> String {
        let text = String(cString: strerror(code))
        return text.prefix(1).lowercased() + text.dropFirst()
    }

    private static func check(_ result: Int32, _ operation: String, _ path: String) throws(Failure) {
        if result != 0 { throw Failure(operation: operation, path: path, code: errno) }
    }

    static func read(_ path: String, upTo limit: Int = .max) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16384)
        while bytes.count < limit {
            let count = Glibc.read(file, &piece, min(piece.count, limit - bytes.count))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return bytes
    }

    static func text(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Writes a whole file, made with `mode` exactly, whatever the umask.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(Failure) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw Failure(operation: "open", path: path, code: errno) }
        defer { close(file) }
        try writeAll(bytes, to: file, path)
        try check(fchmod(file, mode), "chmod", path)
    }

    /// Writes to a file of the kernel, if it is there and lets itself be written.
    static func writeExisting(_ text: String, to path: String) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        try? writeAll(Array(text.utf8), to: file, path)
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32, _ path: String) throws(Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + written, bytes.count - written) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(operation: "write", path: path, code: errno)
            }
            written += count
        }
    }

    /// Makes the directory and those above it, which have mode 0755.
    static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(Failure) {
        if isDirectory(path) { return }
        let parent = parent(of: path)
        if parent != path { try makeDirectories(parent) }
        if mkdir(path, mode) != 0 {
            if errno == EEXIST && isDirectory(path) { return }
            throw Failure(operation: "mkdir", path: path, code: errno)
        }
        try check(chmod(path, mode), "chmod", path)
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func status(_ path: String, followLinks: Bool = true) -> stat? {
        var status = stat()
        let result = followLinks ? stat(path, &status) : lstat(path, &status)
        return result == 0 ? status : nil
    }

    static func exists(_ path: String) -> Bool { status(path, followLinks: false) != nil }
    static func isDirectory(_ path: String) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

    /// The names in a directory, sorted, without `.` and `..`.
    static func entries(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func link(_ target: String, at path: String) throws(Failure) { try check(symlink(target, path), "symlink", path) }

    static func linkTarget(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), 4096) }
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    static func rename(_ path: String, to target: String) throws(Failure) { try check(Glibc.rename(path, target), "rename", path) }
    static func remove(_ path: String) { unlink(path) }
    static func removeDirectory(_ path: String) { rmdir(path) }

    /// Removes a tree. Stays within one file system, so that a volume still mounted is never emptied.
    static func removeTree(_ path: String) {
        guard let own = status(path, followLinks: false) else { return }
        guard own.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in entries(path) {
            let entry = "\(path)/\(name)"
            if let status = status(entry, followLinks: false), status.st_dev == own.st_dev { removeTree(entry) }
        }
        rmdir(path)
    }

    static func change(_ path: String, mode: mode_t) throws(Failure) { try check(chmod(path, mode), "chmod", path) }

    /// Gives a path, not what a link points to, to a user and a group; -1 leaves either as it is.
    static func change(_ path: String, user: Int64 = -1, group: Int64 = -1) throws(Failure) {
        try check(lchown(path, uid_t(truncatingIfNeeded: user), gid_t(truncatingIfNeeded: group)), "chown", path)
    }

    /// The path without links, `nil` when it does not exist.
    static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
