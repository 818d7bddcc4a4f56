import APIModel

/// The CRI calls the kubelet makes, one line each.
struct CRI: Sendable {
    let runtime: any Runtime

    /// Long enough for a busy disk; a runtime that takes longer has lost the call. Upstream: `--runtime-request-timeout`.
    private static let usual = Duration.seconds(120)

    private func service(_ method: String, _ request: Value, timeout: Duration? = CRI.usual) async throws(RuntimeFailure) -> Value {
        try await runtime.call("RuntimeService/" + method, request, timeout: timeout)
    }

    func version() async throws(RuntimeFailure) -> (name: String, version: String) {
        let answer = try await service("Version", ["version": "0.1.0"])
        return (answer["runtime_name"].string ?? "", answer["runtime_version"].string ?? "")
    }

    /// The runtime's conditions, `RuntimeReady` and `NetworkReady` among them.
    func conditions() async throws(RuntimeFailure) -> [Value] {
        try await service("Status", .emptyObject)[path: "status", "conditions"].elements
    }

    func setPodCIDR(_ cidr: String) async throws(RuntimeFailure) {
        _ = try await service("UpdateRuntimeConfig", ["runtime_config": ["network_config": ["pod_cidr": .string(cidr)]]])
    }

    func runSandbox(_ config: Value, handler: String) async throws(RuntimeFailure) -> String {
        // Network plugins may take their time; upstream gives a sandbox twice what it gives other calls.
        try await service(
            "RunPodSandbox", ["config": config, "runtime_handler": handler.isEmpty ? .null : .string(handler)], timeout: .seconds(240))[
                "pod_sandbox_id"
            ].string ?? ""
    }

    func stopSandbox(_ id: String) async throws(RuntimeFailure) { _ = try await service("StopPodSandbox", ["pod_sandbox_id": .string(id)]) }
    func removeSandbox(_ id: String) async throws(RuntimeFailure) {
        _ = try await service("RemovePodSandbox", ["pod_sandbox_id": .string(id)])
    }
    func sandboxStatus(_ id: String) async throws(RuntimeFailure) -> Value {
        try await service("PodSandboxStatus", ["pod_sandbox_id": .string(id)])["status"]
    }

    /// All sandboxes, or those of one pod.
    func sandboxes(pod uid: String? = nil) async throws(RuntimeFailure) -> [Value] {
        try await service("ListPodSandbox", ["filter": Self.filter(uid)])["items"].elements
    }

    func containers(pod uid: String? = nil) async throws(RuntimeFailure) -> [Value] {
        try await service("ListContainers", ["filter": Self.filter(uid)])["containers"].elements
    }

    private static func filter(_ uid: String?) -> Value {
        guard let uid else { return .emptyObject }
        return ["label_selector": Value([Label.podUID: uid])]
    }

    func createContainer(sandbox: String, config: Value, sandboxConfig: Value) async throws(RuntimeFailure) -> String {
        try await service("CreateContainer", ["pod_sandbox_id": .string(sandbox), "config": config, "sandbox_config": sandboxConfig])[
            "container_id"
        ].string ?? ""
    }

    func startContainer(_ id: String) async throws(RuntimeFailure) {
        _ = try await service("StartContainer", ["container_id": .string(id)])
    }

    func stopContainer(_ id: String, grace seconds: Int64) async throws(RuntimeFailure) {
        _ = try await service(
            "StopContainer", ["container_id": .string(id), "timeout": .int(seconds)], timeout: CRI.usual + .seconds(seconds))
    }

    func removeContainer(_ id: String) async throws(RuntimeFailure) {
        _ = try await service("RemoveContainer", ["container_id": .string(id)])
    }
    func containerStatus(_ id: String) async throws(RuntimeFailure) -> Value {
        try await service("ContainerStatus", ["container_id": .string(id)])["status"]
    }
    func reopenLog(_ id: String) async throws(RuntimeFailure) { _ = try await service("ReopenContainerLog", ["container_id": .string(id)]) }

    /// Runs a command to its end. `timeout` of zero means none.
    func exec(_ id: String, _ command: [String], timeout seconds: Int64) async throws(RuntimeFailure) -> (exitCode: Int64, output: String) {
        let answer = try await service(
            "ExecSync", ["container_id": .string(id), "cmd": Value(command), "timeout": .int(seconds)],
            timeout: seconds == 0 ? nil : CRI.usual + .seconds(seconds))
        let output = [answer["stdout"], answer["stderr"]].compactMap { Base64.decode($0.string ?? "") }.joined()
        return (answer["exit_code"].int ?? 0, String(decoding: Array(output), as: UTF8.self))
    }

    func imageStatus(_ image: String) async throws(RuntimeFailure) -> Value {
        try await runtime.call("ImageService/ImageStatus", ["image": ["image": .string(image)]], timeout: CRI.usual)["image"]
    }

    func images() async throws(RuntimeFailure) -> [Value] {
        try await runtime.call("ImageService/ListImages", .emptyObject, timeout: CRI.usual)["images"].elements
    }

    /// No limit of time: a big image on a slow line takes as long as it takes.
    func pull(_ image: String, auth: Value, sandboxConfig: Value) async throws(RuntimeFailure) -> String {
        let request: Value = ["image": ["image": .string(image)], "auth": auth, "sandbox_config": sandboxConfig]
        return try await runtime.call("ImageService/PullImage", request, timeout: nil)["image_ref"].string ?? ""
    }

    func imageFileSystems() async throws(RuntimeFailure) -> [Value] {
        try await runtime.call("ImageService/ImageFsInfo", .emptyObject, timeout: CRI.usual)["image_filesystems"].elements
    }
}
