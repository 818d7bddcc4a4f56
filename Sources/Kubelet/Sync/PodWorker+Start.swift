import APIModel

extension PodWorker {
    /// Starts what `actions` names: init containers in their order, the others together. Returns whether anything started; what did not is
    /// in `waiting`.
    func startContainers(_ actions: PodActions, sandbox: Sandbox) async -> Bool {
        let initContainers = actions.initContainers.map { pod.initContainers[$0] }
        var startedAny = false
        for container in initContainers where await start(container, sandbox) { startedAny = true }
        let others = actions.containers.map { pod.containers[$0] } + actions.ephemeralContainers.map { pod.ephemeralContainers[$0] }
        if others.count < 2 {
            for container in others where await start(container, sandbox) { startedAny = true }
            return startedAny
        }
        return await withTaskGroup(of: Bool.self) { group in
            for container in others { group.addTask { await self.start(container, sandbox) } }
            for await started in group where started { startedAny = true }
            return startedAny
        }
    }

    private func start(_ container: Value, _ sandbox: Sandbox) async -> Bool {
        let name = container.name
        do {
            try await tryStart(container, sandbox)
            waiting[name] = nil
            return true
        } catch let error as StartFailure {
            var failure = error
            // Upstream's pause after a step that failed.
            if failure.retryAt == nil { failure.retryAt = Clock.nanoseconds() + 10_000_000_000 }
            waiting[name] = failure
        } catch is CancellationError {
            // The pod is to end.
        } catch {
            waiting[name] = StartFailure(reason: "CreateContainerError", message: "\(error)", retryAt: Clock.nanoseconds() + 10_000_000_000)
        }
        return false
    }

    /// Upstream: `startContainer`.
    private func tryStart(_ container: Value, _ sandbox: Sandbox) async throws {
        let name = container.name
        let known = runtime.container(name)
        try checkBackoff(container, known)
        let image: Images.Present
        do {
            image = try await context.images.ensure(container, of: pod, sandboxConfig: sandbox.config)
        } catch let failure as StartFailure {
            context.events.container(pod, container, .warning, "Failed", "Error: \(failure.reason)")
            throw failure
        }
        let config = try await configure(container, known, image, sandbox)
        let id: String
        do {
            id = try await context.cri.createContainer(sandbox: sandbox.id, config: config, sandboxConfig: sandbox.config)
        } catch {
            context.events.container(pod, container, .warning, "Failed", "Error: \(error.message)")
            throw StartFailure(reason: "CreateContainerError", message: error.message)
        }
        context.events.container(pod, container, .normal, "Created", "Container created")
        do {
            try await context.cri.startContainer(id)
        } catch {
            context.events.container(pod, container, .warning, "Failed", "Error: \(error.message)")
            throw StartFailure(reason: "RunContainerError", message: error.message)
        }
        context.events.container(pod, container, .normal, "Started", "Container started")
        try await runPostStart(container, id)
    }

    /// Throws while the container has to wait because it ended too soon too often.
    private func checkBackoff(_ container: Value, _ known: PodRuntime.Container?) throws(StartFailure) {
        guard let known, known.state == .exited else { return }
        let key = "\(container.name)_\(ContainerHash.hash(of: container))"
        let now = Clock.nanoseconds()
        if let deadline = backoff.deadline(key, since: known.finishedAt, now: now) {
            context.events.container(
                pod, container, .warning, "BackOff", "Back-off restarting failed container \(container.name) in pod \(pod.description)")
            let wait = GoDuration.text(seconds: backoff.seconds(key))
            throw StartFailure(
                reason: "CrashLoopBackOff",
                message: "back-off \(wait) restarting failed container=\(container.name) pod=\(pod.description)", retryAt: deadline)
        }
        backoff.fail(key, at: known.finishedAt, now: now)
    }

    /// CRI's ContainerConfig, with everything it refers to in place.
    private func configure(_ container: Value, _ known: PodRuntime.Container?, _ image: Images.Present, _ sandbox: Sandbox) async throws
        -> Value
    {
        do {
            for kind in ProbeKind.allCases where !container[path: kind.field, "grpc"].isNull {
                throw ConfigurationError(message: "\(kind.field) of container \"\(container.name)\": grpc is not supported")
            }
            let references = PodReferences(client: context.client, namespace: pod.namespace)
            let fields = context.fields(pod, ips: podIPs)
            let services = ServiceEnvironment.variables(
                namespace: pod.namespace, enableServiceLinks: pod.spec["enableServiceLinks"].bool ?? true,
                services: context.services(pod.namespace),
                apiService: context.services("default").first { $0["metadata"].name == "kubernetes" })
            let environment = try await Environment(pod: pod, references: references, fields: fields, services: services).variables(
                of: container)
            let mounts = try ContainerMounts(
                pod: pod, container: container, volumes: volumes ?? [:], environment: environment, configuration: context.configuration
            )
            .make(hostsFile: try hostsFile(for: container))
            // The runtime writes the log there; that the place exists is the kubelet's to see to.
            try Files.makeDirectories("\(context.configuration.logDirectory(for: pod))/\(container.name)")
            var config = try ContainerConfig(
                pod: pod, container: container, restartCount: restartCount(container, known), imageRef: image.reference, image: image.image,
                environment: environment,
                mounts: mounts, volumeGroups: [], configuration: context.configuration, memoryCapacity: context.machine.memory
            ).message()
            if let target = container["targetContainerName"].string, let id = runtime.container(target)?.id {
                config["linux"]["security_context"]["namespace_options"]["pid"] = 3
                config["linux"]["security_context"]["namespace_options"]["target_id"] = .string(id)
            }
            return config
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            context.events.container(pod, container, .warning, "Failed", "Error: \(error)")
            throw StartFailure(reason: "CreateContainerConfigError", message: "\(error)")
        }
    }

    /// One more than the last; where the runtime forgot that one, its log file tells.
    private func restartCount(_ container: Value, _ known: PodRuntime.Container?) -> Int64 {
        if let known { return known.restartCount + 1 }
        let logs = Files.entries("\(context.configuration.logDirectory(for: pod))/\(container.name)")
        return logs.compactMap { Int64($0.prefix { $0 != "." }) }.max().map { $0 + 1 } ?? 0
    }

    /// Makes the pod's hosts file, unless the container mounts its own.
    private func hostsFile(for container: Value) throws -> String? {
        if container["volumeMounts"].elements.contains(where: { $0["mountPath"].string == "/etc/hosts" }) { return nil }
        // The machine's own file serves a pod in its network, unless there is something to add.
        let path = "\(context.configuration.podDirectory(uid))/etc-hosts"
        let (hostname, domain) = SandboxConfig.hostname(of: pod, clusterDomain: context.configuration.clusterDomain)
        let content = HostsFile.content(
            for: pod, ips: podIPs, hostname: hostname, domain: domain, nodeHosts: pod.usesHostNetwork ? Files.text("/etc/hosts") ?? "" : nil
        )
        try Files.makeDirectories(Files.parent(of: path))
        if Files.text(path) != content { try Files.write(Array(content.utf8), to: path) }
        return path
    }

    private func runPostStart(_ container: Value, _ id: String) async throws {
        let hook = container[path: "lifecycle", "postStart"]
        guard !hook.isNull else { return }
        guard
            let message = await Hooks(handler: context.handler).run(
                hook, container: container, id: id, host: podIPs.first ?? "", userAgent: context.probeAgent)
        else { return }
        context.events.container(pod, container, .warning, "FailedPostStartHook", "PostStartHook failed")
        try? await readRuntime()
        if let running = runtime.containers.first(where: { $0.id == id }) {
            try await killContainer(running, grace: pod.gracePeriod, message: "FailedPostStartHook")
        }
        throw StartFailure(reason: "PostStartHookError", message: message)
    }
}
