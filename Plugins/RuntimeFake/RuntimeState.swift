internal import APIModel

/// Everything the fake runtime has, as a plain value: what is asked for and what is shown are the messages' own fields.
struct RuntimeState {
    struct Sandbox {
        let id: String
        let config: Value
        let handler: String
        let createdAt: Int64
        var address: String?
        var isReady = true
    }

    enum State: Whole {
        case created = 0
        case running, exited
    }

    struct Container {
        let id: String
        let sandbox: String
        let config: Value
        let createdAt: Int64
        var state = State.created
        var startedAt: Int64 = 0
        var finishedAt: Int64 = 0
        var exitCode: Int64 = 0
        var reason = ""
    }

    var sandboxes: [String: Sandbox] = [:]
    var containers: [String: Container] = [:]
    var images: [String: Int64] = [:]
    var addresses: AddressPool

    init(_ range: AddressPool.Range) { addresses = AddressPool(range) }

    /// A new id of the form containerd's have.
    static func makeID() -> String {
        (0..<4).map { _ in
            let digits = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    /// Marks a container as ended; false when it was not running.
    mutating func end(_ id: String, code: Int64, reason: String, at time: Int64) -> Bool {
        guard containers[id]?.state == .running else { return false }
        containers[id]?.state = .exited
        containers[id]?.exitCode = code
        containers[id]?.reason = reason
        containers[id]?.finishedAt = time
        return true
    }
}

extension RuntimeState.Sandbox {
    var listed: Value {
        [
            "id": .string(id), "metadata": config["metadata"], "state": isReady ? 0 : 1, "created_at": .int(createdAt),
            "labels": config["labels"],
            "annotations": config["annotations"], "runtime_handler": .string(handler),
        ]
    }

    var status: Value {
        var status = listed
        if let address { status["network"] = ["ip": .string(address)] }
        let options = config[path: "linux", "security_context", "namespace_options"]
        if !options.isNull { status["linux"] = ["namespaces": ["options": options]] }
        return status
    }

    /// Whether the pod uses its node's network (NamespaceMode NODE is 2).
    static func usesHostNetwork(_ config: Value) -> Bool {
        config[path: "linux", "security_context", "namespace_options", "network"].int == 2
    }

    func matches(_ filter: Value) -> Bool {
        if let wanted = filter["id"].string, !wanted.isEmpty, !id.hasPrefix(wanted) { return false }
        if !filter["state"].isNull, (filter[path: "state", "state"].int == 1) == isReady { return false }
        return filter["label_selector"].strings.allSatisfy { config["labels"][$0].string == $1 }
    }
}

extension RuntimeState.Container {
    private var image: String { config[path: "image", "image"].string ?? "" }

    var listed: Value {
        [
            "id": .string(id), "pod_sandbox_id": .string(sandbox), "metadata": config["metadata"], "image": config["image"],
            "image_ref": .string(image),
            "state": .int(state.rawValue), "created_at": .int(createdAt), "labels": config["labels"], "annotations": config["annotations"],
            "image_id": .string(image),
        ]
    }

    func status(logDirectory: String) -> Value {
        [
            "id": .string(id), "metadata": config["metadata"], "state": .int(state.rawValue), "created_at": .int(createdAt),
            "started_at": .int(startedAt),
            "finished_at": .int(finishedAt), "exit_code": .int(exitCode), "image": config["image"], "image_ref": .string(image),
            "image_id": .string(image),
            "reason": .string(reason), "labels": config["labels"], "annotations": config["annotations"], "mounts": config["mounts"],
            "log_path": .string(logDirectory + "/" + (config["log_path"].string ?? "")),
        ]
    }

    func matches(_ filter: Value) -> Bool {
        if let wanted = filter["id"].string, !wanted.isEmpty, !id.hasPrefix(wanted) { return false }
        if let wanted = filter["pod_sandbox_id"].string, !wanted.isEmpty, wanted != sandbox { return false }
        if !filter["state"].isNull, filter[path: "state", "state"].int ?? 0 != state.rawValue { return false }
        return filter["label_selector"].strings.allSatisfy { config["labels"][$0].string == $1 }
    }
}
