internal import CProjectQuota
internal import Glibc
internal import Synchronization

/// The directory that local volumes lie in, a directory each. It is held open: what is made and removed is reached through it and through
/// no link. Methods block as long as the disk does, and are safe from any thread.
final class Disk: Sendable {
    struct Failure: Error, Equatable, CustomStringConvertible {
        var operation: String
        var path: String
        /// `errno`
        var code: Int32

        /// As Go words it: `mkdir /x: no space left on device`.
        var description: String {
            let reason = String(cString: strerror(code))
            return "\(operation) \(path): \(reason.prefix(1).lowercased() + reason.dropFirst())"
        }
    }

    let path: String
    private let descriptor: Int32
    /// Held while a project is chosen and given, so that no two volumes get one.
    private let projects = Mutex(())

    /// - Throws: `Failure` where there is no such directory.
    init(_ path: String) throws(Failure) {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(operation: "open", path: path, code: errno) }
        self.path = path
    }

    deinit { close(descriptor) }

    /// How many bytes there are at most, with all that is used already.
    var size: UInt64 {
        var found = statvfs()
        guard fstatvfs(descriptor, &found) == 0 else { return 0 }
        let (bytes, overflow) = UInt64(found.f_blocks).multipliedReportingOverflow(by: UInt64(found.f_frsize))
        return overflow ? .max : bytes
    }

    func path(of name: String) -> String { "\(path)/\(name)" }

    /// Makes a directory that anybody may write to, as an emptyDir, and lets it hold so much. One that is there stays as it is.
    /// - Returns: whether the file system will keep it to that.
    func make(_ name: String, bytes: UInt64) throws(Failure) -> Bool {
        let isNew = mkdirat(descriptor, name, 0o700) == 0
        guard isNew || errno == EEXIST else { throw failure("mkdir", name) }
        let directory = try child(name)
        defer { close(directory) }
        let isEnforced = try limit(directory, name, bytes)
        // The umask has no say; and nobody gets in before there is a limit.
        if isNew, fchmod(directory, 0o777) != 0 { throw failure("chmod", name) }
        return isEnforced
    }

    /// Lets a volume hold so much from now on.
    /// - Returns: whether the file system will keep it to that.
    func resize(_ name: String, bytes: UInt64) throws(Failure) -> Bool {
        let directory = try child(name)
        defer { close(directory) }
        return try limit(directory, name, bytes)
    }

    /// Removes a volume with all that is in it. One that is not there is removed.
    func remove(_ name: String) throws(Failure) {
        guard let directory = try? child(name) else {
            if unlinkat(descriptor, name, 0) == 0 || errno == ENOENT { return }
            throw failure("remove", name)
        }
        var project: UInt32 = 0
        if apus_project_get(directory, &project) == 0, project != 0 { _ = apus_project_limit(directory, project, 0) }
        Self.empty(directory)
        close(directory)
        guard unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw failure("remove", name) }
    }

    private func child(_ name: String) throws(Failure) -> Int32 {
        let found = openat(descriptor, name, Self.flags)
        guard found >= 0 else { throw failure("open", name) }
        return found
    }

    private func failure(_ operation: String, _ name: String) -> Failure {
        Failure(operation: operation, path: path(of: name), code: errno)
    }

    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

    // MARK: Limits

    /// What a file system answers that does not count, or was not told to.
    private static let uncounted: Set = [ENOTTY, EOPNOTSUPP, ENOSYS, ESRCH, EINVAL]
    /// Below that, numbers are others' to give.
    private static let firstProject: UInt32 = 0x4150_0000

    private func limit(_ directory: Int32, _ name: String, _ bytes: UInt64) throws(Failure) -> Bool {
        var project: UInt32 = 0
        guard apus_project_get(directory, &project) == 0 else {
            if Self.uncounted.contains(errno) { return false }
            throw failure("look at", name)
        }
        if project < Self.firstProject {
            let code = projects.withLock { _ in
                project = nextProject()
                return apus_project_set(directory, project) == 0 ? 0 : errno
            }
            if Self.uncounted.contains(code) { return false }
            if code != 0 { throw Failure(operation: "set the project of", path: path(of: name), code: code) }
        }
        guard apus_project_limit(directory, project, bytes) == 0 else {
            if Self.uncounted.contains(errno) { return false }
            throw failure("limit", name)
        }
        return true
    }

    private func nextProject() -> UInt32 {
        var highest = Self.firstProject
        Self.eachName(descriptor) { name in
            let directory = openat(descriptor, name, Self.flags)
            guard directory >= 0 else { return }
            defer { close(directory) }
            var project: UInt32 = 0
            if apus_project_get(directory, &project) == 0 { highest = max(highest, project) }
        }
        return highest &+ 1
    }

    // MARK: Emptying

    /// Removes all that is in the directory but what is mounted there. Takes neither stack nor descriptors for the depth of the tree, which
    /// Pods choose: what a directory holds is moved up and removed there.
    private static func empty(_ directory: Int32) {
        var moved = 0
        var isGettingEmptier = true
        while isGettingEmptier {
            isGettingEmptier = false
            eachName(directory) { name in
                if removeOne(directory, name) {
                    isGettingEmptier = true
                    return
                }
                let child = openat(directory, name, flags)
                guard child >= 0 else { return }
                defer { close(child) }
                guard isSameDevice(child, directory) else { return }
                eachName(child) { inner in
                    moved += 1
                    if removeOne(child, inner) || renameat(child, inner, directory, "..removed-\(moved)") == 0 { isGettingEmptier = true }
                }
                if unlinkat(directory, name, AT_REMOVEDIR) == 0 { isGettingEmptier = true }
            }
        }
    }

    private static func removeOne(_ directory: Int32, _ name: String) -> Bool {
        unlinkat(directory, name, 0) == 0 || unlinkat(directory, name, AT_REMOVEDIR) == 0
    }

    private static func isSameDevice(_ one: Int32, _ other: Int32) -> Bool {
        var (first, second) = (stat(), stat())
        return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_dev == second.st_dev
    }

    private static func eachName(_ directory: Int32, _ body: (String) -> Void) {
        let reader = openat(directory, ".", flags)
        guard reader >= 0 else { return }
        guard let stream = fdopendir(reader) else {
            close(reader)
            return
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { body(name) }
        }
    }
}
