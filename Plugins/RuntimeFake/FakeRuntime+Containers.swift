internal import APIModel
internal import PluginKit
internal import Synchronization

extension FakeRuntime {
    static let containerMethods: [(String, @Sendable (FakeRuntime) -> Handler)] = [
        ("CreateContainer", { me in { try me.createContainer($0) } }),
        ("StartContainer", { me in { try me.startContainer($0["container_id"].string ?? "") } }),
        ("StopContainer", { me in { me.stopContainer($0["container_id"].string ?? "") } }),
        ("RemoveContainer", { me in { me.removeContainer($0["container_id"].string ?? "") } }),
        ("ContainerStatus", { me in { try me.containerStatus($0["container_id"].string ?? "") } }),
        ("ListContainers", { me in { me.listContainers($0["filter"]) } }),
        ("UpdateContainerResources", { me in { try me.existing($0["container_id"].string ?? "") } }),
        ("ReopenContainerLog", { me in { try me.existing($0["container_id"].string ?? "") } }),
        ("ExecSync", { me in { try me.exec($0) } }),
    ]

    private func createContainer(_ request: Value) throws -> Value {
        let sandbox = request["pod_sandbox_id"].string ?? ""
        let image = request[path: "config", "image", "image"].string ?? ""
        let id = try state.withLock { state in
            guard state.sandboxes[sandbox] != nil else { throw RuntimeError.notFound("sandbox", sandbox) }
            guard state.images[image] != nil else { throw RuntimeError.notFound("image", image) }
            let container = RuntimeState.Container(
                id: RuntimeState.makeID(), sandbox: sandbox, config: request["config"], createdAt: Self.now())
            state.containers[container.id] = container
            return container.id
        }
        return ["container_id": .string(id)]
    }

    private func startContainer(_ id: String) throws -> Value {
        let (container, sandbox) = try state.withLock { state in
            guard let container = state.containers[id], let sandbox = state.sandboxes[container.sandbox] else {
                throw RuntimeError.notFound("container", id)
            }
            guard container.state == .created else {
                throw RuntimeError(
                    .unknown, "failed to set starting state for container \"\(id)\": container is in \(container.state) state")
            }
            state.containers[id]?.state = .running
            state.containers[id]?.startedAt = Self.now()
            return (container, sandbox)
        }
        let script = Script(container: container.config, sandbox: sandbox.config)
        if let log = container.config["log_path"].string, !log.isEmpty, let directory = sandbox.config["log_directory"].string,
            !directory.isEmpty
        {
            LogFile.append(script.lines, to: directory + "/" + log)
        }
        if let end = script.end {
            alarms.after(end.after) { [weak self] in self?.end(id, code: end.code, reason: end.code == 0 ? "Completed" : "Error") }
        }
        return [:]
    }

    private func end(_ id: String, code: Int64, reason: String) {
        let sandbox = state.withLock { state in
            state.end(id, code: code, reason: reason, at: Self.now()) ? state.containers[id]?.sandbox : nil
        }
        if let sandbox { changed(sandbox: sandbox, container: id) }
    }

    /// A hollow container ends at once, as if its process did not know SIGTERM and were killed. One that is not there counts as stopped.
    private func stopContainer(_ id: String) -> Value {
        end(id, code: 137, reason: "Error")
        return [:]
    }

    private func removeContainer(_ id: String) -> Value {
        _ = stopContainer(id)
        state.withLock { $0.containers[id] = nil }
        return [:]
    }

    private func containerStatus(_ id: String) throws -> Value {
        let (container, directory) = try state.withLock { state in
            guard let container = state.containers[id] else { throw RuntimeError.notFound("container", id) }
            return (container, state.sandboxes[container.sandbox]?.config["log_directory"].string ?? "")
        }
        return ["status": container.status(logDirectory: directory)]
    }

    private func listContainers(_ filter: Value) -> Value {
        let containers = state.withLock { $0.containers.values.filter { $0.matches(filter) } }
        return ["containers": .array(containers.sorted { $0.createdAt > $1.createdAt }.map(\.listed))]
    }

    /// What changes nothing in a hollow container.
    private func existing(_ id: String) throws -> Value {
        guard state.withLock({ $0.containers[id] != nil }) else { throw RuntimeError.notFound("container", id) }
        return [:]
    }

    /// Runs the command the way a container would run its own, without waiting: what it echoes and how it exits.
    private func exec(_ request: Value) throws -> Value {
        let id = request["container_id"].string ?? ""
        guard let container = state.withLock({ $0.containers[id] }) else { throw RuntimeError.notFound("container", id) }
        guard container.state == .running else { throw RuntimeError(.unknown, "container is in \(container.state) state") }
        let script = Script(command: request["cmd"].elements.compactMap(\.string))
        let output = script.lines.map { $0 + "\n" }.joined()
        return ["stdout": .string(Base64.encode(Array(output.utf8))), "exit_code": .int(script.end?.code ?? 0)]
    }
}
