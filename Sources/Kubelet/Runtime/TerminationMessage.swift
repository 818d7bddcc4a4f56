import APIModel
import FileSystem

/// A container's last words. Upstream: `getTerminationMessage`.
struct TerminationMessage: Sendable {
    private static let limit = 4096
    private static let logLimit = 2048
    private static let logLines = 80

    let configuration: KubeletConfiguration

    /// What the container wrote to its file; or the end of its log, where its policy says so and it failed; or what the runtime says.
    /// Blocks.
    /// - Parameters:
    ///   - uid: the pod's.
    ///   - status: CRI's.
    func read(_ container: PodRuntime.Container, of uid: String, _ status: Value) -> String {
        if let written = written(container, uid, status), !written.isEmpty { return written }
        guard container.annotations[Annotation.terminationMessagePolicy] == "FallbackToLogsOnError", container.exitCode != 0,
            container.reason != "ContainerCannotRun"
        else {
            return container.message
        }
        let lines = (try? ContainerLogFile(container.logPath, configuration).open()).map { LogTail.last(Self.logLines, of: $0) } ?? []
        let text = lines.map { String(decoding: $0.message, as: UTF8.self) }.joined()
        return text.isEmpty ? container.message : String(decoding: text.utf8.suffix(Self.logLimit), as: UTF8.self)
    }

    /// Where in the container a path that its spec names is.
    static func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "/" + path }

    /// The end of the file that was made for this container. Where the container has something else mounted at that path, nobody reads it.
    private func written(_ container: PodRuntime.Container, _ uid: String, _ status: Value) -> String? {
        let path = Self.absolute(container.annotations[Annotation.terminationMessagePath] ?? "")
        let directory = "\(configuration.podDirectory(uid))/containers/\(container.name)"
        let mount = status["mounts"].elements.last { $0["container_path"].string == path }
        guard path != "/", let place = mount?["host_path"].string, Files.parent(of: place) == directory,
            let file = try? Directory.open(directory).file(String(place.dropFirst(directory.count + 1)))
        else { return nil }
        return String(decoding: file.read(at: max(file.size - Int64(Self.limit), 0), Self.limit), as: UTF8.self)
    }
}
