import APIModel

/// The CRI calls the kubelet makes, one line each.
///
/// Every call can be given up: it ends with `Canceled` when its task is cancelled, and with `DeadlineExceeded` soon after its time, also
/// when the runtime does not keep to it. The runtime may carry out later what was given up.
struct CRI: Sendable {
    let runtime: any Runtime
    /// Calls that change something are waited for that long by a task that is cancelled: what they leave is known then.
    var patience = Duration.seconds(5)

    /// Long enough for a busy disk; a runtime that takes longer has lost the call. Upstream: `--runtime-request-timeout`.
    private static let usual = Duration.seconds(120)
    /// What a runtime gets beyond its time before nobody waits for its own word any more.
    private static let margin = Duration.seconds(1)

    /// - Parameters:
    ///   - timeout: what the runtime is told.
    ///   - limit: how long its answer is waited for; when there is none, a moment longer than it was told.
    private func call(
        _ method: String, _ request: Value, timeout: Duration?, limit: Duration? = nil, patience: Duration = .zero
    ) async throws(RuntimeFailure) -> Value {
        let runtime = runtime
        let limit = limit ?? timeout.map { $0 + Self.margin }
        do {
            return try await abandonable(within: limit, patience: patience, late: RuntimeFailure.late) {
                try await runtime.call(method, request, timeout: timeout)
            }
        } catch let failure as RuntimeFailure {
            throw failure
        } catch {
            throw .cancelled
        }
    }

    private func ask(_ method: String, _ request: Value) async throws(RuntimeFailure) -> Value {
        try await call("RuntimeService/" + method, request, timeout: Self.usual)
    }

    private func change(_ method: String, _ request: Value, timeout: Duration = CRI.usual) async throws(RuntimeFailure) -> Value {
        try await call("RuntimeService/" + method, request, timeout: timeout, patience: patience)
    }

    func version() async throws(RuntimeFailure) -> (name: String, version: String) {
        let answer = try await ask("Version", ["version": "0.1.0"])
        return (answer["runtime_name"].string ?? "", answer["runtime_version"].string ?? "")
    }

    /// The runtime's conditions, `RuntimeReady` and `NetworkReady` among them, and its features.
    func status() async throws(RuntimeFailure) -> Value { try await ask("Status", .emptyObject) }

    func runSandbox(_ config: Value, handler: String) async throws(RuntimeFailure) -> String {
        // Network plugins may take their time; upstream gives a sandbox twice what it gives other calls.
        try await change(
            "RunPodSandbox", ["config": config, "runtime_handler": handler.isEmpty ? .null : .string(handler)], timeout: .seconds(240))[
                "pod_sandbox_id"
            ].string ?? ""
    }

    func stopSandbox(_ id: String) async throws(RuntimeFailure) { _ = try await change("StopPodSandbox", ["pod_sandbox_id": .string(id)]) }
    func removeSandbox(_ id: String) async throws(RuntimeFailure) {
        _ = try await change("RemovePodSandbox", ["pod_sandbox_id": .string(id)])
    }
    func sandboxStatus(_ id: String) async throws(RuntimeFailure) -> Value {
        try await ask("PodSandboxStatus", ["pod_sandbox_id": .string(id)])["status"]
    }

    /// All sandboxes, or those of one pod.
    func sandboxes(pod uid: String? = nil) async throws(RuntimeFailure) -> [Value] {
        try await ask("ListPodSandbox", ["filter": Self.filter(uid)])["items"].elements
    }

    func containers(pod uid: String? = nil) async throws(RuntimeFailure) -> [Value] {
        try await ask("ListContainers", ["filter": Self.filter(uid)])["containers"].elements
    }

    private static func filter(_ uid: String?) -> Value {
        guard let uid else { return .emptyObject }
        return ["label_selector": Value([Label.podUID: uid])]
    }

    func createContainer(sandbox: String, config: Value, sandboxConfig: Value) async throws(RuntimeFailure) -> String {
        try await change("CreateContainer", ["pod_sandbox_id": .string(sandbox), "config": config, "sandbox_config": sandboxConfig])[
            "container_id"
        ].string ?? ""
    }

    func startContainer(_ id: String) async throws(RuntimeFailure) {
        _ = try await change("StartContainer", ["container_id": .string(id)])
    }

    func stopContainer(_ id: String, grace seconds: Whole) async throws(RuntimeFailure) {
        _ = try await call(
            "RuntimeService/StopContainer", ["container_id": .string(id), "timeout": .int(seconds)], timeout: CRI.usual + .seconds(seconds))
    }

    /// Changes what a running container may use.
    func updateContainer(_ id: String, linux resources: Value) async throws(RuntimeFailure) {
        _ = try await change("UpdateContainerResources", ["container_id": .string(id), "linux": resources])
    }

    func removeContainer(_ id: String) async throws(RuntimeFailure) {
        _ = try await change("RemoveContainer", ["container_id": .string(id)])
    }
    func containerStatus(_ id: String) async throws(RuntimeFailure) -> Value {
        try await ask("ContainerStatus", ["container_id": .string(id)])["status"]
    }
    func reopenLog(_ id: String) async throws(RuntimeFailure) { _ = try await change("ReopenContainerLog", ["container_id": .string(id)]) }

    /// How a command ended, and what it said.
    struct ExecAnswer: Sendable {
        var exitCode: Whole
        var output: String
        var errors: String
        var all: String { output + errors }
    }

    /// Runs a command to its end. `timeout` of zero means none. What the command leaves behind holds nobody up beyond the timeout.
    func exec(_ id: String, _ command: [String], timeout seconds: Whole) async throws(RuntimeFailure) -> ExecAnswer {
        // The runtime ends the command itself when its time is over, and must not hear before that nobody listens any more.
        let time: Duration? = seconds == 0 ? nil : .seconds(seconds)
        let answer = try await call(
            "RuntimeService/ExecSync", ["container_id": .string(id), "cmd": Value(command), "timeout": .int(seconds)],
            timeout: time.map { $0 + .seconds(2) }, limit: time.map { $0 + .milliseconds(500) })
        func text(_ field: String) -> String { String(decoding: Base64.decode(answer[field].string ?? "") ?? [], as: UTF8.self) }
        return ExecAnswer(exitCode: answer["exit_code"].int ?? 0, output: text("stdout"), errors: text("stderr"))
    }

    /// What each running container uses, of all pods or of one.
    func containerStats(pod uid: String? = nil) async throws(RuntimeFailure) -> [Value] {
        try await ask("ListContainerStats", ["filter": Self.filter(uid)])["stats"].elements
    }

    /// What each sandbox uses. Older runtimes do not tell.
    func sandboxStats() async throws(RuntimeFailure) -> [Value] {
        try await ask("ListPodSandboxStats", ["filter": .emptyObject])["stats"].elements
    }

    func imageStatus(_ image: String) async throws(RuntimeFailure) -> Value {
        try await call("ImageService/ImageStatus", ["image": ["image": .string(image)]], timeout: CRI.usual)["image"]
    }

    func images() async throws(RuntimeFailure) -> [Value] {
        try await call("ImageService/ListImages", .emptyObject, timeout: CRI.usual)["images"].elements
    }

    func removeImage(_ image: String) async throws(RuntimeFailure) {
        _ = try await call("ImageService/RemoveImage", ["image": ["image": .string(image)]], timeout: CRI.usual, patience: patience)
    }

    /// No limit of time: a big image on a slow line takes as long as it takes.
    func pull(_ image: String, auth: Value, sandboxConfig: Value) async throws(RuntimeFailure) -> String {
        let request: Value = ["image": ["image": .string(image)], "auth": auth, "sandbox_config": sandboxConfig]
        return try await call("ImageService/PullImage", request, timeout: nil)["image_ref"].string ?? ""
    }

    func imageFileSystems() async throws(RuntimeFailure) -> [Value] {
        try await call("ImageService/ImageFsInfo", .emptyObject, timeout: CRI.usual)["image_filesystems"].elements
    }
}
