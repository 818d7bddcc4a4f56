internal import CLinux
internal import Glibc

/// A directory that is held open, and the way into everything below it that a container may have had its hands on.
///
/// The kernel resolves each path from the directory as it is held and follows no link: whatever a container renames or replaces meanwhile,
/// nothing outside the tree is reached. Only regular files are read and written, and nothing else is opened: a FIFO, a device or a socket
/// blocks nobody. Methods block as long as the disk does, and are safe from any thread.
package final class Directory: Sendable {
    /// A handle that neither reads nor writes: `O_PATH`, which the C library hides behind `_GNU_SOURCE`.
    package static let handle: Int32 = 0o10000000

    package let descriptor: Int32
    /// Where it was found: for messages, and for the runtime, which wants paths.
    package let path: String

    private init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Opens a directory whose path no pod has a say in. Links are followed.
    package static func open(_ path: String) throws(Files.Failure) -> Directory {
        let descriptor = Glibc.open(path, handle | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Files.Failure(operation: "open", path: path, code: errno) }
        return Directory(descriptor, path)
    }

    /// The same, made where it is not there. Those above it get mode 0755.
    package static func make(_ path: String, mode: UInt32 = 0o750) throws(Files.Failure) -> Directory {
        if let directory = try? open(path) { return directory }
        let parent = Files.parent(of: path)
        // Nothing is above the root, or above what is no path.
        guard parent != path else { throw Files.Failure(operation: "open", path: path, code: ENOENT) }
        return try make(parent, mode: 0o755).make(String(path.dropFirst(parent == "/" ? 1 : parent.count + 1)), mode: mode)
    }

    // MARK: What is below

    /// How a path may lead to what it names.
    package struct Limits: OptionSet {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static let withoutLinks = Limits(rawValue: Int32(APUS_WITHOUT_LINKS))
        package static let withinMount = Limits(rawValue: Int32(APUS_WITHIN_MOUNT))
    }

    /// A descriptor that is the caller's to close.
    package func beneath(_ path: String, _ flags: Int32, mode: UInt32 = 0, _ limits: Limits = .withoutLinks) throws(Files.Failure) -> Int32
    {
        let found = apus_open_beneath(descriptor, path.isEmpty ? "." : path, flags, mode, limits.rawValue)
        guard found >= 0 else { throw Files.Failure(operation: "open", path: "\(self.path)/\(path)", code: errno) }
        return found
    }

    package func directory(_ path: String, _ limits: Limits = .withoutLinks) throws(Files.Failure) -> Directory {
        Directory(try beneath(path, Self.handle | O_DIRECTORY, limits), "\(self.path)/\(path)")
    }

    /// Makes what is not there of a path, each with this very mode.
    package func make(_ path: String, mode: UInt32 = 0o750) throws(Files.Failure) -> Directory {
        var directory = self
        for name in path.split(separator: "/") { directory = try directory.makeOne(String(name), mode: mode) }
        return directory
    }

    private func makeOne(_ name: String, mode: UInt32) throws(Files.Failure) -> Directory {
        let isNew = mkdirat(descriptor, name, mode) == 0
        guard isNew || errno == EEXIST else { throw Files.Failure(operation: "mkdir", path: "\(path)/\(name)", code: errno) }
        let made = try directory(name)
        // The umask has no say.
        if isNew { try made.change(mode: mode) }
        return made
    }

    /// `nil` when there is nothing. A link is looked at itself.
    package func status(_ path: String = "") -> FileStatus? {
        guard let found = try? beneath(path, Self.handle | O_NOFOLLOW) else { return nil }
        defer { close(found) }
        return FileStatus(found)
    }

    package func exists(_ path: String) -> Bool { status(path) != nil }

    /// Calls `body` with each name in the directory. What is added or removed meanwhile may or may not be among them.
    package func eachName(_ body: (String) -> Void) throws(Files.Failure) {
        let reader = try beneath(".", O_RDONLY | O_DIRECTORY)
        guard let stream = fdopendir(reader) else {
            close(reader)
            throw Files.Failure(operation: "open", path: path, code: errno)
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { body(name) }
        }
    }

    /// The names in the directory, sorted.
    package func names() throws(Files.Failure) -> [String] {
        var names: [String] = []
        try eachName { names.append($0) }
        return names.sorted()
    }

    // MARK: The directory itself

    package func change(mode: UInt32) throws(Files.Failure) {
        guard fchmodat(descriptor, ".", mode, 0) == 0 else { throw Files.Failure(operation: "chmod", path: path, code: errno) }
    }

    package func change(group: Int64) throws(Files.Failure) {
        guard fchownat(descriptor, ".", uid_t.max, gid_t(truncatingIfNeeded: group), 0) == 0 else {
            throw Files.Failure(operation: "chown", path: path, code: errno)
        }
    }

    // MARK: Links and names

    /// Names here are single: no path.
    package func link(_ target: String, at name: String) throws(Files.Failure) {
        guard symlinkat(target, descriptor, name) == 0 else {
            throw Files.Failure(operation: "symlink", path: "\(path)/\(name)", code: errno)
        }
    }

    package func linkTarget(_ name: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes {
            readlinkat(descriptor, name, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    package func rename(_ name: String, to target: String) throws(Files.Failure) {
        guard renameat(descriptor, name, descriptor, target) == 0 else {
            throw Files.Failure(operation: "rename", path: "\(path)/\(name)", code: errno)
        }
    }

    /// Removes a name that is no directory's. Answers whether there is none any more.
    @discardableResult
    package func remove(_ name: String) -> Bool { unlinkat(descriptor, name, 0) == 0 || errno == ENOENT }
}
