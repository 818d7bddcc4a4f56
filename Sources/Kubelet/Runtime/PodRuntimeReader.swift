import APIModel

/// Reads what the runtime has for a pod.
struct PodRuntimeReader: Sendable {
    let cri: CRI

    /// What an earlier read told of containers that have ended is not asked again.
    func read(_ uid: String, previous: PodRuntime) async throws -> PodRuntime {
        async let sandboxItems = cri.sandboxes(pod: uid)
        async let containerItems = cri.containers(pod: uid)
        var runtime = PodRuntime()
        runtime.sandboxes = try await sandboxItems.map(PodRuntime.Sandbox.init).sorted { $0.createdAt > $1.createdAt }
        if let latest = runtime.sandboxes.first {
            do {
                runtime.sandboxes[0].complete(try await cri.sandboxStatus(latest.id))
            } catch {
                guard error.isNotFound else { throw error }
                runtime.sandboxes.removeFirst()
            }
        }
        let ended = Dictionary(previous.containers.filter { $0.state == .exited }.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        for item in try await containerItems {
            var container = PodRuntime.Container(item)
            if let known = ended[container.id] {
                runtime.containers.append(known)
                continue
            }
            do {
                let status = try await cri.containerStatus(container.id)
                container.complete(status)
                if container.state == .exited { container.message = TerminationMessage.read(container, status) }
                runtime.containers.append(container)
            } catch {
                guard error.isNotFound else { throw error }
            }
        }
        runtime.containers.sort { ($0.createdAt, $0.attempt) > ($1.createdAt, $1.attempt) }
        return runtime
    }
}

/// A container's last words. Upstream: `getTerminationMessage`.
enum TerminationMessage {
    private static let limit = 4096
    private static let logLimit = 2048
    private static let logLines = 80

    /// What the container wrote to its file; or the end of its log, where its policy says so and it failed; or what the runtime says.
    static func read(_ container: PodRuntime.Container, _ status: Value) -> String {
        let path = container.annotations[Annotation.terminationMessagePath] ?? ""
        if !path.isEmpty, let mount = status["mounts"].elements.first(where: { $0["container_path"].string == path }),
            let file = mount["host_path"].string,
            let bytes = Files.read(file, upTo: limit), !bytes.isEmpty
        {
            return String(decoding: bytes, as: UTF8.self)
        }
        guard container.annotations[Annotation.terminationMessagePolicy] == "FallbackToLogsOnError", container.exitCode != 0,
            container.reason != "ContainerCannotRun"
        else {
            return container.message
        }
        let lines = LogTail.last(logLines, of: container.logPath)
        let text = lines.map { String(decoding: $0.message, as: UTF8.self) }.joined()
        return text.isEmpty ? container.message : String(decoding: text.utf8.suffix(logLimit), as: UTF8.self)
    }
}
