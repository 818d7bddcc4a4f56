internal import FoundationEssentials
internal import Glibc

/// The directory that holds everything of one cluster, and the lock on it.
///
/// ```
/// apus.pid  apus.log  pki/  *.kubeconfig  store.db  kubelet/  containerd/  pods/
/// ```
struct DataDirectory {
    let path: String

    init(_ path: String) { self.path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path }

    var pidFile: String { "\(path)/apus.pid" }
    var logFile: String { "\(path)/apus.log" }
    var storeFile: String { "\(path)/store.db" }
    var adminKubeconfig: String { "\(path)/admin.kubeconfig" }
    var kubeletDirectory: String { "\(path)/kubelet" }
    var podLogDirectory: String { "\(path)/pods" }
    var containerdDirectory: String { "\(path)/containerd" }

    /// Makes the directory and takes it for this process; the lock ends with the process, however it ends.
    ///
    /// - Throws: `StartupFailure` naming the process that has it.
    func lock() throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw StartupFailure("the data directory \(path) cannot be made: \(error). Run as root, or choose another with --data-dir.")
        }
        let descriptor = open(pidFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw StartupFailure("\(pidFile) cannot be written: \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw inUse(by: owner)
        }
        let text = "\(getpid())\n"
        ftruncate(descriptor, 0)
        _ = write(descriptor, text, text.utf8.count)
        // The descriptor stays open: it is the lock.
    }

    /// The refusal to start beside a process that runs already.
    func inUse(by owner: pid_t?) -> StartupFailure {
        StartupFailure(
            "apus runs already on \(path), as process \(owner.map(String.init) ?? "?"). Stop it with `apus down --data-dir \(path)`.")
    }

    /// The process that runs on this directory, `nil` when none does.
    var owner: pid_t? {
        let descriptor = open(pidFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return nil }
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor, &buffer, buffer.count)
        return pid_t(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).prefix { $0.isNumber })
    }

    /// Returns when no process has the directory any more.
    func waitUntilFree() {
        let descriptor = open(pidFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
    }
}
