internal import CProjectQuota
internal import FileSystem
internal import Glibc
internal import Synchronization

/// The directory that local volumes lie in, a directory each. It is held open: what is made and removed is reached through it and through
/// no link. Methods block as long as the disk does, and are safe from any thread.
final class Disk: Sendable {
    private let directory: Directory
    /// Held while a project is chosen and given, so that no two volumes get one.
    private let projects = Mutex(())

    /// - Throws: where there is no such directory.
    init(_ path: String) throws(Files.Failure) { directory = try Directory.open(path) }

    var path: String { directory.path }

    /// How many bytes there are at most, with all that is used already.
    var size: UInt64 {
        var found = statvfs()
        guard fstatvfs(directory.descriptor, &found) == 0 else { return 0 }
        let (bytes, overflow) = UInt64(found.f_blocks).multipliedReportingOverflow(by: UInt64(found.f_frsize))
        return overflow ? .max : bytes
    }

    func path(of name: String) -> String { "\(path)/\(name)" }

    /// Makes a directory that anybody may write to, as an emptyDir, and lets it hold so much. One that is there stays as it is.
    /// - Returns: whether the file system will keep it to that.
    func make(_ name: String, bytes: UInt64) throws(Files.Failure) -> Bool {
        let isNew = mkdirat(directory.descriptor, name, 0o700) == 0
        guard isNew || errno == EEXIST else { throw failure("mkdir", name) }
        let volume = try child(name)
        defer { close(volume) }
        let isEnforced = try limit(volume, name, bytes)
        // The umask has no say; and nobody gets in before there is a limit.
        if isNew, fchmod(volume, 0o777) != 0 { throw failure("chmod", name) }
        return isEnforced
    }

    /// Lets a volume hold so much from now on.
    /// - Returns: whether the file system will keep it to that.
    func resize(_ name: String, bytes: UInt64) throws(Files.Failure) -> Bool {
        let volume = try child(name)
        defer { close(volume) }
        return try limit(volume, name, bytes)
    }

    /// Removes a volume with all that is in it. One that is not there is removed.
    func remove(_ name: String) throws(Files.Failure) {
        if let volume = try? child(name) {
            defer { close(volume) }
            var project: UInt32 = 0
            if apus_project_get(volume, &project) == 0, project != 0 { _ = apus_project_limit(volume, project, 0) }
        }
        guard directory.removeTree(name) else { throw failure("remove", name) }
    }

    /// A descriptor of the volume that is the caller's to close.
    private func child(_ name: String) throws(Files.Failure) -> Int32 { try directory.beneath(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) }

    private func failure(_ operation: String, _ name: String) -> Files.Failure {
        Files.Failure(operation: operation, path: path(of: name), code: errno)
    }

    // MARK: Limits

    /// What a file system answers that does not count, or was not told to.
    private static let uncounted: Set = [ENOTTY, EOPNOTSUPP, ENOSYS, ESRCH, EINVAL]
    /// Below that, numbers are others' to give.
    private static let firstProject: UInt32 = 0x4150_0000

    private func limit(_ volume: Int32, _ name: String, _ bytes: UInt64) throws(Files.Failure) -> Bool {
        var project: UInt32 = 0
        guard apus_project_get(volume, &project) == 0 else {
            if Self.uncounted.contains(errno) { return false }
            throw failure("look at", name)
        }
        if project < Self.firstProject {
            let code = projects.withLock { _ in
                project = nextProject()
                return apus_project_set(volume, project) == 0 ? 0 : errno
            }
            if Self.uncounted.contains(code) { return false }
            if code != 0 { throw Files.Failure(operation: "set the project of", path: path(of: name), code: code) }
        }
        guard apus_project_limit(volume, project, bytes) == 0 else {
            if Self.uncounted.contains(errno) { return false }
            throw failure("limit", name)
        }
        return true
    }

    private func nextProject() -> UInt32 {
        var highest = Self.firstProject
        try? directory.eachName { name in
            guard let volume = try? child(name) else { return }
            defer { close(volume) }
            var project: UInt32 = 0
            if apus_project_get(volume, &project) == 0 { highest = max(highest, project) }
        }
        return highest &+ 1
    }
}
