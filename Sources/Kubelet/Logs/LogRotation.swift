import APIModel
import Glibc
import Logging

/// Keeps container logs from growing without end. Upstream: `kubelet/logs/container_log_manager.go`.
struct LogRotation: Sendable {
    let configuration: KubeletConfiguration
    let cri: CRI
    let log: Logger

    /// Looks every ten seconds, as upstream does.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(10))
            // The sizes tell whether there is anything to ask the runtime for.
            let big = bigLogs()
            if !big.isEmpty { await rotate(Set(big)) }
        }
    }

    func bigLogs() -> [String] {
        var found: [String] = []
        for pod in Files.entries(configuration.podLogsDirectory) {
            for container in Files.entries("\(configuration.podLogsDirectory)/\(pod)") {
                let directory = "\(configuration.podLogsDirectory)/\(pod)/\(container)"
                for name in Files.entries(directory) where name.hasSuffix(".log") {
                    if let status = Files.status("\(directory)/\(name)"), Int64(status.st_size) > configuration.containerLogMaxSize {
                        found.append("\(directory)/\(name)")
                    }
                }
            }
        }
        return found
    }

    private func rotate(_ paths: Set<String>) async {
        do {
            for container in try await cri.containers() where container["state"].int == PodRuntime.Container.State.running.rawValue {
                let id = container["id"].string ?? ""
                guard let path = try await cri.containerStatus(id)["log_path"].string, paths.contains(path) else { continue }
                try await rotate(path, container: id)
            }
        } catch {
            if !Task.isCancelled { log.warning("container logs were not rotated: \(error)") }
        }
    }

    /// Moves the log aside and has the runtime begin a new one. When it does not, the log goes back, so that nothing is written where
    /// nobody looks.
    func rotate(_ path: String, container id: String) async throws {
        let kept = ContainerLogFiles.rotated(path)
        // The current file and the one that is about to be made count.
        for old in kept.dropLast(max(configuration.containerLogMaxFiles - 2, 0)) { Files.remove(old) }
        let target = "\(path).\(Self.stamp(Clock.seconds()))"
        try Files.rename(path, to: target)
        do {
            try await cri.reopenLog(id)
        } catch {
            try Files.rename(target, to: path)
            throw error
        }
    }

    /// `20260102-150405`
    static func stamp(_ seconds: Int64) -> String {
        let text = Timestamp.format(seconds: seconds)
        return String(text.filter { $0.isNumber || $0 == "T" }.map { $0 == "T" ? "-" : $0 })
    }
}
