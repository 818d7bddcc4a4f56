internal import FoundationEssentials
internal import Glibc

/// The directory that holds everything of one cluster, and who has it.
///
/// ```
/// apus.pid  supervisor.pid  apus.log  pki/  *.kubeconfig  store.db  crashes/  kubelet/  containerd/  pods/  volumes/
/// ```
struct DataDirectory {
    let path: String

    init(_ path: String) { self.path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path }

    var logFile: String { "\(path)/apus.log" }
    var storeFile: String { "\(path)/store.db" }
    var pkiDirectory: String { "\(path)/pki" }
    var adminKubeconfig: String { "\(path)/admin.kubeconfig" }
    var kubeletDirectory: String { "\(path)/kubelet" }
    var podLogDirectory: String { "\(path)/pods" }
    var containerdDirectory: String { "\(path)/containerd" }
    /// Of the volumes that claims get from this node's disk.
    var volumesDirectory: String { "\(path)/volumes" }
    var crashDirectory: String { "\(path)/crashes" }
    /// What a process that is being stopped waits for.
    var stoppingFile: String { "\(path)/stopping" }

    /// Of the process that plays the roles.
    var host: ProcessFile { ProcessFile(path: "\(path)/apus.pid") }
    /// Of the process that starts the host again.
    var supervisor: ProcessFile { ProcessFile(path: "\(path)/supervisor.pid") }

    func make() throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw StartupFailure("the data directory \(path) cannot be made: \(error). Run as root, or choose another with --data-dir.")
        }
    }

    /// Nobody but root gets into it, save by what is mounted of it.
    func makeVolumes() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: volumesDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StartupFailure("the directory of volumes \(volumesDirectory) cannot be made: \(error)")
        }
    }

    /// Makes the directory and takes it for this process, which is to play roles on it.
    ///
    /// - Throws: `StartupFailure` naming the process that has it.
    func lock() throws {
        try make()
        guard try host.take() else { throw inUse(by: host.holder) }
    }

    /// The refusal to start beside a process that runs already.
    func inUse(by owner: pid_t?) -> StartupFailure {
        StartupFailure(
            "apus runs already on \(path), as process \(owner.map(String.init) ?? "?"). Stop it with `apus down --data-dir \(path)`.")
    }

    /// The process that runs on this directory, or is about to start one that does; `nil` when none does.
    var owner: pid_t? { host.holder ?? supervisor.holder }

    /// Keys without the objects they belong to: somebody lost the store, or has not brought it back yet.
    ///
    /// - Throws: `StartupFailure`, unless an empty cluster is what is wanted.
    func checkStore(mayBeEmpty: Bool) throws {
        var info = stat()
        let hasStore = stat(storeFile, &info) == 0 && info.st_size > 0
        guard !hasStore, !mayBeEmpty, access("\(pkiDirectory)/ca.key", F_OK) == 0 else { return }
        throw StartupFailure(
            "\(path) has the keys of a cluster (pki), but no store.db with its objects. Bring the file back, or start a cluster without objects under the same keys with --empty-store."
        )
    }
}
