internal import FileSystem
internal import Glibc

/// The shims of one containerd, known by the socket they report to, as they are at one moment. containerd ends without them, and each holds
/// the containers of a pod.
struct Shims {
    /// By the id they were started for, which is that of a sandbox; empty for none.
    private let byID: [String: [pid_t]]
    private let processes: ProcessTable

    init(of paths: ContainerdPaths, _ processes: ProcessTable = ProcessTable()) {
        self.processes = processes
        var byID: [String: [pid_t]] = [:]
        for pid in processes.all {
            let arguments = processes.arguments(pid)
            guard arguments.first?.contains("containerd-shim") == true, arguments.contains(paths.socket) else { continue }
            let id = arguments.firstIndex(of: "-id").flatMap { arguments.dropFirst($0 + 1).first }
            byID[id ?? "", default: []].append(pid)
        }
        self.byID = byID
    }

    var ids: Set<String> { Set(byID.keys) }

    /// Where the shim for an id listens, which every containerd of the machine makes of its own socket and the id.
    static func socket(of id: String, _ paths: ContainerdPaths) -> String {
        "/run/containerd/s/" + digest(Array("\(paths.socket)/k8s.io/\(id)".utf8)).dropFirst("sha256:".count)
    }

    /// The shims that were started for one of the ids, and everything below them. The containers first: their shim, as long as it lives, is
    /// there to reap them.
    func members(of ids: Set<String>) -> (containers: [pid_t], shims: [pid_t]) {
        let shims = byID.filter { ids.contains($0.key) }.values.joined().sorted()
        return (shims.flatMap { processes.descendants(of: $0).dropFirst() }, shims)
    }
}
