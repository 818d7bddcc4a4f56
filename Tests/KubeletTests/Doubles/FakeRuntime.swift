import APIModel
import Synchronization

@testable import Kubelet

/// A runtime in memory: containers run until told to end. Calls fail, and do not end, on demand.
final class FakeRuntime: Runtime {
    struct State {
        var next = 0
        var sandboxes: [String: Value] = [:]
        var containers: [String: Value] = [:]
        var images: Set<String> = ["web:1", "init:1"]
        var calls: [String] = []
        /// Which of its ways to run pods it was asked for, the usual one aside.
        var handlers: [String] = []
        var failures: [String: RuntimeFailure] = [:]
        /// Methods whose calls do not end, and the calls.
        var hanging: [String: [UnsafeContinuation<Void, Never>]] = [:]
        /// The call from which on none ends, and whether that one is carried out.
        var last: (call: Int, isCarriedOut: Bool)?
        /// Calls that never end.
        var lost: [UnsafeContinuation<Void, Never>] = []
        /// Containers that end by themselves, well, as soon as they run.
        var shortLived: Set<String> = []
        /// How often containers were started, by name.
        var starts: [String: Int] = [:]
        var changed: (@Sendable (String, String) -> Void)?
        /// Why pods get no network of their own.
        var networkProblem: String?
        /// Whether streams can be opened, and those that were.
        var hasStreams = false
        var streams: [FakeStream] = []
        /// Exit codes of commands run in containers.
        var execExitCode: Whole = 0
        /// What was run in containers.
        var commands: [[String]] = []
        /// Bytes that each container wrote beside its volumes.
        var written: Whole = 4096
        var clock: Whole = 1_767_323_045_000_000_000
    }
    let state = Mutex(State())

    /// Lets every call of a method fail, until `nil` is given.
    func fail(_ method: String, _ failure: RuntimeFailure?) { state.withLock { $0.failures[method] = failure } }
    /// Lets no call of a method end from now on, whatever its time and its task, until `release`.
    func hang(_ method: String) { state.withLock { $0.hanging[method] = $0.hanging[method] ?? [] } }

    /// Nobody hears of any call any more, from the one on that comes after so many others: as if the caller had been killed.
    /// - Parameter isCarriedOut: whether that one still has its effect.
    func loseCalls(after count: Int, isCarriedOut: Bool) {
        state.withLock { $0.last = ($0.calls.count + count + 1, isCarriedOut) }
    }
    var isLost: Bool { state.withLock { state in state.last.map { state.calls.count >= $0.call } ?? false } }
    /// Later calls are answered again.
    func find() { state.withLock { $0.last = nil } }

    /// Later calls end; those that hang go on hanging.
    func spare(_ method: String) { state.withLock { $0.hanging[method] = nil } }

    func release(_ method: String) {
        for call in state.withLock({ $0.hanging.removeValue(forKey: method) }) ?? [] { call.resume() }
    }

    var calls: [String] { state.withLock { $0.calls } }
    func count(_ method: String) -> Int { calls.count { $0 == method } }

    /// Ends a running container by itself.
    func exit(_ name: String, code: Whole) {
        let (changed, sandbox, id) = state.withLock { state -> ((@Sendable (String, String) -> Void)?, String, String) in
            guard
                let (id, container) = state.containers.first(where: {
                    $0.value["labels"][Label.containerName].string == name && $0.value["state"].int == 1
                })
            else {
                return (nil, "", "")
            }
            state.end(id, code: code)
            return (state.changed, container["pod_sandbox_id"].string ?? "", id)
        }
        changed?(sandbox, id)
    }

    /// What the newest container of that name was made from.
    func config(_ name: String) -> Value {
        state.withLock { state in
            state.containers.values.filter { $0["labels"][Label.containerName].string == name }
                .max { ($0["created_at"].int ?? 0) < ($1["created_at"].int ?? 0) }?["config"] ?? .null
        }
    }

    /// Ids of all containers of a pod.
    func containers(of uid: String) -> [String] {
        state.withLock { $0.containers.filter { $0.value["labels"][Label.podUID].string == uid }.map(\.key) }
    }

    func running() -> [String] {
        state.withLock { state in
            state.containers.values.filter { $0["state"].int == 1 }.compactMap { $0["labels"][Label.containerName].string }.sorted()
        }
    }

    func follow(_ changed: @escaping @Sendable (String, String) -> Void, subscribed: @escaping @Sendable (Bool) -> Void) async {
        state.withLock { $0.changed = changed }
        subscribed(true)
    }

    func open(_ kind: RuntimeStreamKind, _ request: Value) async throws(RuntimeFailure) -> any RuntimeConnection {
        try state.withLock { state throws(RuntimeFailure) in
            guard state.hasStreams else { throw RuntimeFailure(code: "Unimplemented", message: "no streams here") }
            let stream = FakeStream()
            state.streams.append(stream)
            return stream
        }
    }

    func call(_ method: String, _ request: Value, timeout: Duration?) async throws(RuntimeFailure) -> Value {
        let name = String(method.split(separator: "/")[1])
        let (isLost, isCarriedOut) = state.withLock { state in
            state.calls.append(name)
            guard let last = state.last, state.calls.count >= last.call else { return (false, true) }
            return (true, last.isCarriedOut && state.calls.count == last.call)
        }
        if isLost {
            if isCarriedOut { state.withLock { _ = try? $0.answer(name, request) } }
            await withUnsafeContinuation { continuation in state.withLock { $0.lost.append(continuation) } }
        }
        await withUnsafeContinuation { continuation in
            let goesOn = state.withLock { state in
                state.hanging[name]?.append(continuation)
                return state.hanging[name] == nil
            }
            if goesOn { continuation.resume() }
        }
        let result = state.withLock { state -> Result<(Value, (@Sendable (String, String) -> Void)?), RuntimeFailure> in
            if let failure = state.failures[name] {
                // As a runtime keeps one that did not start.
                if name == "StartContainer" { state.end(request["container_id"].string ?? "", code: 128) }
                return .failure(failure)
            }
            do throws(RuntimeFailure) {
                let answer = try state.answer(name, request)
                return .success((answer, Self.changing.contains(name) ? state.changed : nil))
            } catch {
                return .failure(error)
            }
        }
        let (answer, changed) = try result.get()
        changed?("", "")
        return answer
    }

    private static let changing: Set<String> = [
        "RunPodSandbox", "StopPodSandbox", "RemovePodSandbox", "CreateContainer", "StartContainer", "StopContainer", "RemoveContainer",
    ]
}

extension FakeRuntime.State {
    mutating func tick() -> Value {
        clock += 1_000_000_000
        return .int(clock)
    }

    mutating func end(_ id: String, code: Whole) {
        containers[id]?["state"] = 2
        containers[id]?["exit_code"] = .int(code)
        containers[id]?["reason"] = code == 0 ? "Completed" : "Error"
        containers[id]?["finished_at"] = .int(Clock.nanoseconds())
    }

    mutating func answer(_ name: String, _ request: Value) throws(RuntimeFailure) -> Value {
        switch name {
        case "Version": return ["runtime_name": "containerd", "runtime_version": "1.6.20"]
        case "Status":
            return ["status": ["conditions": [["type": "RuntimeReady", "status": true], ["type": "NetworkReady", "status": true]]]]
        case "RunPodSandbox":
            next += 1
            if let handler = request["runtime_handler"].string { handlers.append(handler) }
            let config = request["config"]
            let mode = config[path: "linux", "security_context", "namespace_options", "network"]
            sandboxes["s\(next)"] = [
                "id": "s\(next)", "metadata": config["metadata"], "state": 0, "created_at": tick(), "labels": config["labels"],
                "annotations": config["annotations"],
                "network": ["ip": "10.1.0.\(next)"], "linux": ["namespaces": ["options": ["network": mode]]],
            ]
            return ["pod_sandbox_id": "s\(next)"]
        case "StopPodSandbox":
            let id = request["pod_sandbox_id"].string ?? ""
            if sandboxes[id] != nil { sandboxes[id]?["state"] = 1 }
            for (container, value) in containers where value["pod_sandbox_id"].string == id && value["state"].int == 1 {
                end(container, code: 137)
            }
            return .emptyObject
        case "RemovePodSandbox":
            sandboxes[request["pod_sandbox_id"].string ?? ""] = nil
            containers = containers.filter { $0.value["pod_sandbox_id"] != request["pod_sandbox_id"] }
            return .emptyObject
        case "PodSandboxStatus": return ["status": try found(sandboxes[request["pod_sandbox_id"].string ?? ""])]
        case "ListPodSandbox": return ["items": .array(sandboxes.values.filter { matches($0, request) })]
        case "ListContainers": return ["containers": .array(containers.values.filter { matches($0, request) })]
        case "CreateContainer":
            next += 1
            let config = request["config"]
            let name = { (metadata: Value) in "\(metadata.name)_\(metadata["attempt"].int ?? 0)" }
            let isTaken = containers.values.contains {
                $0["pod_sandbox_id"] == request["pod_sandbox_id"] && name($0["metadata"]) == name(config["metadata"])
            }
            guard !isTaken else { throw RuntimeFailure(code: "Unknown", message: "name \(name(config["metadata"])) is reserved") }
            containers["c\(next)"] = [
                "id": "c\(next)", "pod_sandbox_id": request["pod_sandbox_id"], "metadata": config["metadata"], "state": 0,
                "created_at": tick(), "labels": config["labels"],
                "annotations": config["annotations"], "image": config["image"], "image_ref": config[path: "image", "image"],
                "mounts": config["mounts"], "config": config,
            ]
            return ["container_id": "c\(next)"]
        case "StartContainer":
            let id = request["container_id"].string ?? ""
            containers[id]?["state"] = 1
            containers[id]?["started_at"] = .int(Clock.nanoseconds())
            let name = containers[id]?["metadata"].name ?? ""
            starts[name, default: 0] += 1
            if shortLived.contains(name) { end(id, code: 0) }
            return .emptyObject
        case "StopContainer":
            let id = request["container_id"].string ?? ""
            if containers[id]?["state"].int == 1 { end(id, code: 0) }
            return .emptyObject
        case "UpdateContainerResources":
            containers[request["container_id"].string ?? ""]?["updated"] = request["linux"]
            return .emptyObject
        case "RemoveContainer":
            containers[request["container_id"].string ?? ""] = nil
            return .emptyObject
        case "ContainerStatus": return ["status": try found(containers[request["container_id"].string ?? ""])]
        case "ExecSync":
            commands.append(request["cmd"].elements.compactMap(\.string))
            return ["exit_code": .int(execExitCode), "stdout": .string(Base64.encode(Array("said no".utf8)))]
        case "ImageStatus":
            let image = request[path: "image", "image"].string ?? ""
            return images.contains(image) ? ["image": ["id": .string(image), "size": 1024]] : .emptyObject
        case "PullImage":
            let image = request[path: "image", "image"].string ?? ""
            images.insert(image)
            return ["image_ref": .string(image)]
        case "ListImages": return ["images": .array(images.sorted().map { ["id": .string($0), "repo_tags": [.string($0)], "size": 1024] })]
        case "RemoveImage":
            images.remove(request[path: "image", "image"].string ?? "")
            return .emptyObject
        case "ListContainerStats":
            return ["stats": .array(containers.values.filter { $0["state"].int == 1 && matches($0, request) }.map(stats))]
        default: throw RuntimeFailure(code: "Unimplemented", message: name)
        }
    }

    private func stats(_ container: Value) -> Value {
        [
            "attributes": ["id": container["id"], "labels": container["labels"]],
            "cpu": ["usage_core_nano_seconds": ["value": 2_500_000_000]], "memory": ["working_set_bytes": ["value": 1_048_576]],
            "writable_layer": ["used_bytes": ["value": .int(written)]],
        ]
    }

    private func found(_ value: Value?) throws(RuntimeFailure) -> Value {
        guard let value else { throw RuntimeFailure(code: "NotFound", message: "an error occurred when try to find it") }
        return value
    }

    private func matches(_ item: Value, _ request: Value) -> Bool {
        guard let uid = request[path: "filter", "label_selector", Label.podUID].string else { return true }
        return item["labels"][Label.podUID].string == uid
    }
}

/// A stream on which nobody says a word until it is closed.
final class FakeStream: RuntimeConnection {
    private let (words, source) = AsyncStream<(channel: Int32, bytes: [UInt8])>.makeStream()
    private let closed = Mutex(false)

    var isClosed: Bool { closed.withLock { $0 } }

    func receive() async throws -> (channel: Int32, bytes: [UInt8])? {
        var iterator = words.makeAsyncIterator()
        return await iterator.next()
    }

    func send(_ channel: Int32, _ bytes: [UInt8]) async throws {}

    func close() async {
        closed.withLock { $0 = true }
        source.finish()
    }
}
