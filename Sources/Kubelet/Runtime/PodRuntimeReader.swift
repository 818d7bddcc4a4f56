import APIModel

/// Reads what the runtime has for a pod.
struct PodRuntimeReader: Sendable {
    let cri: CRI
    let messages: TerminationMessage
    let disk: BlockingWork

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
            let status: Value
            do {
                status = try await cri.containerStatus(container.id)
            } catch {
                guard error.isNotFound else { throw error }
                continue
            }
            container.complete(status)
            if container.state == .exited { container.message = try await message(container, of: uid, status) }
            runtime.containers.append(container)
        }
        runtime.containers.sort { ($0.createdAt, $0.attempt) > ($1.createdAt, $1.attempt) }
        return runtime
    }

    private func message(_ container: PodRuntime.Container, of uid: String, _ status: Value) async throws -> String {
        try await disk.run { messages.read(container, of: uid, status) }
    }
}
