import APIModel

/// What the runtime has for one pod: its sandboxes and containers, newest first.
struct PodRuntime: Sendable, Equatable {
    var sandboxes: [Sandbox] = []
    var containers: [Container] = []

    struct Sandbox: Sendable, Equatable {
        var id: String
        var attempt: Whole
        var isReady: Bool
        var createdAt: Whole
        /// Empty while unknown and for the host's network.
        var ips: [String] = []
        /// The network namespace's mode: 0 the pod's own, 2 the node's.
        var networkMode: Whole?
    }

    struct Container: Sendable, Equatable {
        enum State: Whole, Sendable { case created, running, exited, unknown }

        var id: String
        var sandbox: String
        var name: String
        var attempt: Whole
        var state: State
        /// Nanoseconds since 1970, as all times here; 0 is none.
        var createdAt: Whole
        var startedAt: Whole = 0
        var finishedAt: Whole = 0
        var exitCode: Whole = 0
        var reason = ""
        var message = ""
        var image = ""
        var imageRef = ""
        /// From the container's annotations.
        var restartCount: Whole = 0
        var hash = ""
        var logPath = ""
        var user: Value = .null
        var annotations: [String: String] = [:]

        /// Failed as restart policies see it.
        var hasFailed: Bool { state == .unknown || state == .exited && exitCode != 0 }
    }

    /// The newest container of that name.
    func container(_ name: String) -> Container? { containers.first { $0.name == name } }
    var latestSandbox: Sandbox? { sandboxes.first }
    var hasRunningContainers: Bool { containers.contains { $0.state == .running } }
}

extension PodRuntime.Sandbox {
    /// From a `PodSandbox` of a list.
    init(_ item: Value) {
        self.init(
            id: item["id"].string ?? "", attempt: item[path: "metadata", "attempt"].int ?? 0, isReady: (item["state"].int ?? 0) == 0,
            createdAt: item["created_at"].int ?? 0)
    }

    /// Adds what only `PodSandboxStatus` tells.
    mutating func complete(_ status: Value) {
        isReady = (status["state"].int ?? 0) == 0
        networkMode = status[path: "linux", "namespaces", "options", "network"].int ?? 0
        var found: [String] = []
        if let ip = status[path: "network", "ip"].string, !ip.isEmpty { found.append(ip) }
        found += status[path: "network", "additional_ips"].elements.compactMap { $0["ip"].string }.filter { !$0.isEmpty }
        ips = found
    }
}

extension PodRuntime.Container {
    /// From a `Container` of a list; times, exit code and reason come with `complete`.
    init(_ item: Value) {
        let annotations = item["annotations"].strings
        self.init(
            id: item["id"].string ?? "", sandbox: item["pod_sandbox_id"].string ?? "",
            name: item["labels"][Label.containerName].string ?? item[path: "metadata", "name"].string ?? "",
            attempt: item[path: "metadata", "attempt"].int ?? 0,
            state: State(rawValue: item["state"].int ?? 0) ?? .unknown, createdAt: item["created_at"].int ?? 0,
            restartCount: annotations[Annotation.restartCount].flatMap { Whole($0) } ?? 0, hash: annotations[Annotation.hash] ?? "",
            annotations: annotations)
    }

    /// Adds what only `ContainerStatus` tells.
    mutating func complete(_ status: Value) {
        state = State(rawValue: status["state"].int ?? 0) ?? .unknown
        createdAt = status["created_at"].int ?? createdAt
        startedAt = status["started_at"].int ?? 0
        finishedAt = status["finished_at"].int ?? 0
        exitCode = status["exit_code"].int ?? 0
        reason = status["reason"].string ?? ""
        message = status["message"].string ?? ""
        image = status[path: "image", "image"].string ?? image
        imageRef = status["image_ref"].string ?? imageRef
        logPath = status["log_path"].string ?? ""
        user = status["user"]
    }
}
