import APIModel
import FileSystem
import Glibc
import Logging

/// Keeps container logs from growing without end. Upstream: `kubelet/logs/container_log_manager.go`.
struct LogRotation: Sendable {
    let configuration: KubeletConfiguration
    let cri: CRI
    let disk: BlockingWork
    let log: Logger

    /// Looks until cancelled.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(configuration.logMonitorPeriod.int64))
            // The sizes tell whether there is anything to ask the runtime for.
            guard let big = try? await disk.run(bigLogs), !big.isEmpty else { continue }
            await rotate(big)
        }
    }

    /// The paths of logs that are too big. Blocks.
    @Sendable func bigLogs() throws -> Set<String> {
        var found: Set<String> = []
        let root = try Directory.open(configuration.podLogsDirectory)
        for pod in try root.names() {
            for container in (try? root.directory(pod).names()) ?? [] {
                guard let logs = try? root.directory("\(pod)/\(container)"), let names = try? logs.names() else { continue }
                for name in names where name.hasSuffix(".log") && logs.status(name)?.size ?? 0 > configuration.containerLogMaxSize {
                    found.insert("\(configuration.podLogsDirectory)/\(pod)/\(container)/\(name)")
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
                try await rotate(ContainerLogFile(path, configuration), container: id)
            }
        } catch {
            if !Task.isCancelled { log.warning("container logs were not rotated: \(error)") }
        }
    }

    /// Moves the log aside and has the runtime begin a new one. When it does not, the log goes back, so that nothing is written where
    /// nobody looks.
    func rotate(_ file: ContainerLogFile, container id: String) async throws {
        let target = "\(file.name).\(Self.stamp(Clock.seconds()))"
        try await disk.run {
            // The current file and the one that is about to be made count.
            let old = try file.rotated().dropLast(max(configuration.containerLogMaxFiles - 2, 0))
            let directory = try file.directory()
            for name in old { directory.remove(name) }
            try directory.rename(file.name, to: target)
        }
        do {
            try await cri.reopenLog(id)
        } catch {
            try await disk.run { try file.directory().rename(target, to: file.name) }
            throw error
        }
    }

    /// `20260102-150405`
    static func stamp(_ seconds: Whole) -> String {
        let text = Timestamp.format(seconds: seconds)
        return String(text.filter { $0.isNumber || $0 == "T" }.map { $0 == "T" ? "-" : $0 })
    }
}
