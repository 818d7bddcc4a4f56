import APIModel

/// The CRI messages of one small pod.
struct PodMessages {
    let name: String
    let logs: String
    let cgroupParent: String

    var sandbox: Value {
        [
            "metadata": ["name": .string(name), "uid": .string("uid-" + name), "namespace": "default"], "hostname": .string(name),
            "log_directory": .string(logs),
            "labels": ["io.kubernetes.pod.name": .string(name)], "linux": ["cgroup_parent": .string(cgroupParent)],
        ]
    }

    func container(_ image: String, _ command: [String], annotations: Value = [:]) -> Value {
        [
            "metadata": ["name": "main"], "image": ["image": .string(image)], "command": .array(command.map { .string($0) }),
            "log_path": "main.log",
            "annotations": annotations,
            "linux": ["resources": ["cpu_shares": 100, "memory_limit_in_bytes": 67_108_864, "oom_score_adj": -997]],
        ]
    }
}

extension RuntimeHost {
    /// Starts a pod of one container.
    func run(_ pod: PodMessages, image: String, _ command: [String], annotations: Value = [:]) async throws -> (
        sandbox: String, container: String
    ) {
        let sandbox = try await call("RunPodSandbox", ["config": pod.sandbox])["pod_sandbox_id"]
        let container = try await call(
            "CreateContainer",
            ["pod_sandbox_id": sandbox, "config": pod.container(image, command, annotations: annotations), "sandbox_config": pod.sandbox])[
                "container_id"]
        try await call("StartContainer", ["container_id": container])
        return (sandbox.string ?? "", container.string ?? "")
    }

    func remove(_ sandbox: String) async throws {
        try await call("StopPodSandbox", ["pod_sandbox_id": .string(sandbox)])
        try await call("RemovePodSandbox", ["pod_sandbox_id": .string(sandbox)])
    }

    /// The container's status once `condition` holds, or the last one seen after five seconds.
    func status(_ container: String, until condition: (Value) -> Bool) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            let status = try await call("ContainerStatus", ["container_id": .string(container)])["status"]
            if condition(status) || ContinuousClock.now > deadline { return status }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
