internal import APIModel
internal import Glibc
internal import PluginHost

/// A runtime in a real host, spoken to in CRI messages as values.
struct RuntimeUnderTest: Sendable {
    let plugin: RuntimePlugin
    /// Logs of containers go here.
    let scratch: Scratch
    private let image: String?

    static func with(_ plugin: PluginUnderTest, _ body: @escaping @Sendable (RuntimeUnderTest) async throws -> Void) async throws {
        try await Hosted.run(plugin, services: .withoutAPI) { host in
            guard let runtime = host.runtime else { throw Failure("the host does not run it: \(host.plugins.first?.reason ?? "")") }
            try await body(RuntimeUnderTest(plugin: runtime, scratch: Scratch(), image: plugin.image))
        }
    }

    /// One CRI call: `call("RunPodSandbox", …)`, with `ImageService/` before a method of the other service.
    @discardableResult
    func call(_ method: String, _ request: Value = [:]) async throws -> Value {
        let name = method.split(separator: "/").last.map(String.init)!
        let answer = try await plugin.call(
            method.contains("/") ? method : "RuntimeService/" + method,
            try Protobuf.encode(request, as: Catalogue.cri.type(named: name + "Request")!), timeout: .seconds(60))
        do {
            return try Protobuf.decode(answer, as: Catalogue.cri.type(named: name + "Response")!)
        } catch {
            throw Failure("\(method) answered OK with bytes that are no \(name)Response: \(error)")
        }
    }

    /// The same, where Unimplemented means that there is nothing to check.
    @discardableResult
    func callIfOffered(_ method: String, _ request: Value = [:]) async throws -> Value {
        do {
            return try await call(method, request)
        } catch let error as RuntimeError where error.code == "Unimplemented" {
            throw NotOffered(error.message)
        } catch let error as RuntimeError {
            throw Failure("\(method) answered \(error)")
        }
    }

    /// Calls a method that must be refused, and returns how.
    func refusal(_ method: String, _ request: Value, _ what: String) async throws -> RuntimeError {
        do {
            try await call(method, request)
        } catch let error as RuntimeError {
            return error
        }
        throw Failure("\(method) answered OK for \(what)")
    }

    /// The message for a sandbox with a name that no other has.
    func sandbox(_ name: String) -> Value {
        let name = "\(name)-\(scratch.path.suffix(6).lowercased())"
        return [
            "metadata": ["name": .string(name), "uid": .string("uid-" + name), "namespace": "conformance"], "hostname": .string(name),
            "log_directory": .string(scratch.path), "labels": ["conformance.apus.dev/pod": .string(name)], "linux": [:],
        ]
    }

    /// Runs `body` with a sandbox that runs, and removes it.
    func withSandbox(_ name: String, _ body: (_ id: String, _ config: Value) async throws -> Void) async throws {
        let config = sandbox(name)
        let id = try await callIfOffered("RunPodSandbox", ["config": config])["pod_sandbox_id"].string ?? ""
        let result: Result<Void, any Error>
        do { result = .success(try await body(id, config)) } catch { result = .failure(error) }
        // What failed before matters more than what fails in cleaning up after it.
        _ = try? await call("StopPodSandbox", ["pod_sandbox_id": .string(id)])
        _ = try? await call("RemovePodSandbox", ["pod_sandbox_id": .string(id)])
        try result.get()
    }

    /// Runs `body` with a container that runs `command` in a sandbox of its own, and removes both.
    func withContainer(
        _ name: String, _ command: [String], starts: Bool = true, _ body: (_ container: String, _ sandbox: String) async throws -> Void
    ) async throws {
        let image = try await pickImage()
        try await withSandbox(name) { sandbox, config in
            let id =
                try await callIfOffered(
                    "CreateContainer",
                    [
                        "pod_sandbox_id": .string(sandbox), "sandbox_config": config,
                        "config": [
                            "metadata": ["name": "main"], "image": ["image": .string(image)],
                            "command": .array(command.map { .string($0) }), "log_path": "main.log", "linux": [:],
                        ],
                    ])["container_id"].string ?? ""
            if starts { try await callIfOffered("StartContainer", ["container_id": .string(id)]) }
            try await body(id, sandbox)
        }
    }

    private func pickImage() async throws -> String {
        if let image { return image }
        for listed in try await callIfOffered("ImageService/ListImages")["images"].elements {
            if let name = listed["repo_tags"].elements.compactMap(\.string).first(where: { !$0.contains("pause") }) { return name }
        }
        let name = "apus.local/conformance:1"
        do {
            try await call("ImageService/PullImage", ["image": ["image": .string(name)]])
            return name
        } catch let error as RuntimeError {
            throw NotOffered("there is no image to run, name one with --image; pulling \(name) answered \(error)")
        }
    }

    /// The container's status once `state` is reached, or the last one after ten seconds.
    func status(_ container: String, until state: Whole) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            let status = try await callIfOffered("ContainerStatus", ["container_id": .string(container)])["status"]
            // Protobuf leaves a zero out.
            if (status["state"].int ?? 0) == state || ContinuousClock.now > deadline { return status }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
