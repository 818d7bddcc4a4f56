internal import APIModel
internal import PluginHost

/// The lives of sandboxes and containers, where the runtime offers them.
enum SandboxChecks {
    static let all: [Check] = [
        Check("sandbox/life", "A sandbox is run, found by its id and its labels, stopped (twice, too) and removed.", sandboxLife),
        Check("container/life", "A container is created, started, seen running, stopped and removed.", containerLife),
        Check("container/exit-code", "A container that ends by itself shows its exit code.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                try await runtime.withContainer("exit", ["sh", "-c", "exit 7"]) { id, _ in
                    let status = try await runtime.status(id, until: exited)
                    try expect(
                        status["state"].int == exited,
                        "a container that runs `sh -c 'exit 7'` has not ended after 10 s: state \(status["state"].int ?? 0)")
                    try expect(
                        status["exit_code"].int == 7,
                        "a container that runs `sh -c 'exit 7'` ended with exit_code \(status["exit_code"].int ?? 0)")
                }
            }
        },
        Check("events/tell", "A runtime that says its events are reliable tells of a container that ends.", eventsTell),
    ]

    // runtime.v1.ContainerState
    private static let created: Whole = 0
    private static let running: Whole = 1
    private static let exited: Whole = 2

    private static func sandboxLife(_ plugin: PluginUnderTest) async throws {
        try await RuntimeUnderTest.with(plugin) { runtime in
            try await runtime.withSandbox("life") { id, config in
                try expect(!id.isEmpty, "RunPodSandboxResponse has no pod_sandbox_id")
                let status = try await runtime.callIfOffered("PodSandboxStatus", ["pod_sandbox_id": .string(id)])["status"]
                try expect(status["id"].string == id, "PodSandboxStatus of \(id) shows the id \"\(status["id"].string ?? "")\"")
                try expect(
                    (status["state"].int ?? 0) == 0,
                    "PodSandboxStatus of a sandbox that was just run shows state \(status["state"].int ?? 0), not SANDBOX_READY")
                try expect(
                    status["metadata"] == config["metadata"],
                    "PodSandboxStatus shows other metadata than RunPodSandbox was given: the kubelet finds its pods by it")
                try expect(status["labels"] == config["labels"], "PodSandboxStatus shows other labels than RunPodSandbox was given")

                func listed(_ filter: Value) async throws -> [String] {
                    try await runtime.callIfOffered("ListPodSandbox", ["filter": filter])["items"].elements.compactMap { $0["id"].string }
                }
                try expect(
                    try await listed(["label_selector": config["labels"]]) == [id],
                    "ListPodSandbox does not find the sandbox by its label, or finds more")
                try expect(
                    try await listed(["id": .string(id)]) == [id], "ListPodSandbox does not find the sandbox by its id, or finds more")
                try expect(
                    try await listed(["label_selector": ["conformance.apus.dev/pod": "nobody"]]).isEmpty,
                    "ListPodSandbox finds sandboxes for a label that none has")

                for time in ["", " a second time"] {
                    try await rethrow("StopPodSandbox\(time)") { try await runtime.call("StopPodSandbox", ["pod_sandbox_id": .string(id)]) }
                }
                let stopped = try await runtime.callIfOffered("PodSandboxStatus", ["pod_sandbox_id": .string(id)])["status"]
                try expect(
                    stopped["state"].int == 1,
                    "PodSandboxStatus of a stopped sandbox shows state \(stopped["state"].int ?? 0), not SANDBOX_NOTREADY")
                for time in ["", " a second time"] {
                    try await rethrow("RemovePodSandbox\(time)") {
                        try await runtime.call("RemovePodSandbox", ["pod_sandbox_id": .string(id)])
                    }
                }
                let gone = try await runtime.refusal("PodSandboxStatus", ["pod_sandbox_id": .string(id)], "a sandbox that was removed")
                try expect(gone.code == "NotFound", "PodSandboxStatus of a removed sandbox answered \(gone), not NotFound")
            }
        }
    }

    private static func containerLife(_ plugin: PluginUnderTest) async throws {
        try await RuntimeUnderTest.with(plugin) { runtime in
            try await runtime.withContainer("life", ["sleep", "1000"], starts: false) { id, sandbox in
                try expect(!id.isEmpty, "CreateContainerResponse has no container_id")
                let before = try await runtime.callIfOffered("ContainerStatus", ["container_id": .string(id)])["status"]
                try expect(
                    (before["state"].int ?? 0) == created,
                    "a container that was not started shows state \(before["state"].int ?? 0), not CONTAINER_CREATED")
                try await rethrow("StartContainer") { try await runtime.call("StartContainer", ["container_id": .string(id)]) }
                let status = try await runtime.status(id, until: running)
                try expect(
                    status["state"].int == running,
                    "a container that runs `sleep 1000` shows state \(status["state"].int ?? 0), not CONTAINER_RUNNING")
                try expect((status["started_at"].int ?? 0) > 0, "a running container has no started_at")
                let listed = try await runtime.callIfOffered("ListContainers", ["filter": ["pod_sandbox_id": .string(sandbox)]])[
                    "containers"
                ].elements.compactMap {
                    $0["id"].string
                }
                try expect(listed == [id], "ListContainers of the sandbox shows \(listed), not the one container \(id)")

                for time in ["", " a second time"] {
                    try await rethrow("StopContainer\(time)") {
                        try await runtime.call("StopContainer", ["container_id": .string(id), "timeout": 1])
                    }
                }
                let after = try await runtime.status(id, until: exited)
                try expect(after["state"].int == exited, "a stopped container shows state \(after["state"].int ?? 0), not CONTAINER_EXITED")
                try expect((after["finished_at"].int ?? 0) > 0, "a container that ended has no finished_at")
                for time in ["", " a second time"] {
                    try await rethrow("RemoveContainer\(time)") { try await runtime.call("RemoveContainer", ["container_id": .string(id)]) }
                }
                let gone = try await runtime.refusal("ContainerStatus", ["container_id": .string(id)], "a container that was removed")
                try expect(gone.code == "NotFound", "ContainerStatus of a removed container answered \(gone), not NotFound")
            }
        }
    }

    private static func eventsTell(_ plugin: PluginUnderTest) async throws {
        try await RuntimeUnderTest.with(plugin) { runtime in
            let (changes, told) = AsyncStream.makeStream(of: (String, String).self)
            guard await runtime.plugin.subscribe({ told.yield(($0, $1)) }) else {
                throw NotOffered("it tells of no changes, or not of all: the kubelet looks for itself")
            }
            try await runtime.withContainer("events", ["sh", "-c", "exit 0"]) { id, sandbox in
                let isTold = await withTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        for await (toldSandbox, toldContainer) in changes
                        where toldContainer == id || toldSandbox == sandbox || (toldSandbox + toldContainer).isEmpty {
                            return true
                        }
                        return false
                    }
                    group.addTask {
                        try? await Task.sleep(for: .seconds(10))
                        return false
                    }
                    defer { group.cancelAll() }
                    return await group.next() ?? false
                }
                try expect(
                    isTold,
                    "subscribe says that every change is told, but within 10 s nothing was told of a container that was created, started and ended; call `changed`, or leave `*reliable` zero"
                )
            }
        }
    }

    private static func rethrow(_ what: String, _ body: () async throws -> Value) async throws {
        do { _ = try await body() } catch let error as RuntimeError { throw Failure("\(what) answered \(error)") }
    }
}
