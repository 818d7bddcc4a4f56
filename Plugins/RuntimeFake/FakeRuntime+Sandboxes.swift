internal import APIModel
internal import PluginKit
internal import Synchronization

extension FakeRuntime {
    static let sandboxMethods: [(String, @Sendable (FakeRuntime) -> Handler)] = [
        (
            "Version",
            { _ in { _ in ["version": "0.1.0", "runtime_name": "apus-fake", "runtime_version": "1.0.0", "runtime_api_version": "v1"] } }
        ),
        (
            "Status",
            { _ in
                { _ in ["status": ["conditions": [["type": "RuntimeReady", "status": true], ["type": "NetworkReady", "status": true]]]] }
            }
        ),
        ("UpdateRuntimeConfig", { _ in { _ in [:] } }),
        ("RunPodSandbox", { me in { try me.runSandbox($0) } }),
        ("StopPodSandbox", { me in { try me.stopSandbox($0["pod_sandbox_id"].string ?? "") } }),
        ("RemovePodSandbox", { me in { try me.removeSandbox($0["pod_sandbox_id"].string ?? "") } }),
        ("PodSandboxStatus", { me in { try me.sandboxStatus($0["pod_sandbox_id"].string ?? "") } }),
        ("ListPodSandbox", { me in { me.listSandboxes($0["filter"]) } }),
    ]

    private func runSandbox(_ request: Value) throws -> Value {
        let config = request["config"]
        guard let name = config[path: "metadata", "name"].string, !name.isEmpty else {
            throw RuntimeError(.invalidArgument, "sandbox config has no metadata")
        }
        work(options.startLatency)
        let sandbox = try state.withLock { state in
            var sandbox = RuntimeState.Sandbox(
                id: RuntimeState.makeID(), config: config, handler: request["runtime_handler"].string ?? "", createdAt: Self.now())
            if !RuntimeState.Sandbox.usesHostNetwork(config) {
                guard let address = state.addresses.take() else {
                    throw RuntimeError(.resourceExhausted, "no IP address is left in config.podCIDR")
                }
                sandbox.address = address
            }
            state.sandboxes[sandbox.id] = sandbox
            return sandbox
        }
        return ["pod_sandbox_id": .string(sandbox.id)]
    }

    /// Ends the sandbox's containers and gives its address back. One that is not there counts as stopped.
    private func stopSandbox(_ id: String) throws -> Value {
        let ended = state.withLock { state -> [String] in
            let running = state.containers.values.filter { $0.sandbox == id }.map(\.id)
            let ended = running.filter { state.end($0, code: 137, reason: "Error", at: Self.now()) }
            state.sandboxes[id]?.isReady = false
            if let address = state.sandboxes[id]?.address {
                state.addresses.giveBack(address)
                state.sandboxes[id]?.address = nil
            }
            return ended
        }
        for container in ended { changed(sandbox: id, container: container) }
        changed(sandbox: id, container: "")
        return [:]
    }

    private func removeSandbox(_ id: String) throws -> Value {
        _ = try stopSandbox(id)
        state.withLock { state in
            state.sandboxes[id] = nil
            for container in state.containers.values where container.sandbox == id { state.containers[container.id] = nil }
        }
        return [:]
    }

    private func sandboxStatus(_ id: String) throws -> Value {
        guard let sandbox = state.withLock({ $0.sandboxes[id] }) else { throw RuntimeError.notFound("sandbox", id) }
        return ["status": sandbox.status]
    }

    private func listSandboxes(_ filter: Value) -> Value {
        let sandboxes = state.withLock { $0.sandboxes.values.filter { $0.matches(filter) } }
        return ["items": .array(sandboxes.sorted { $0.createdAt > $1.createdAt }.map(\.listed))]
    }
}
