import APIModel
import FileSystem

extension PodWorker {
    /// Starts what `actions` names: init containers in their order, the others together. Returns whether anything started; what did not is
    /// in `waiting`.
    func startContainers(_ actions: PodActions, sandbox: Sandbox) async -> Bool {
        let pod = allocated
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
        var mounted = volumes ?? [:]
        do {
            mounted.merge(try await imageVolumes(of: container, sandbox)) { $1 }
            image = try await context.images.ensure(container, of: pod, sandboxConfig: sandbox.config)
        } catch let failure as StartFailure {
            try Task.checkCancellation()
            context.events.container(pod, container, .warning, "Failed", "Error: \(failure.reason)")
            throw failure
        }
        let config = try await configure(container, image, mounted)
        // Also what fails from here on may leave a container, whose number is taken.
        isRuntimeStale = true
        let id: String
        do {
            id = try await context.cri.createContainer(sandbox: sandbox.id, config: config, sandboxConfig: sandbox.config)
        } catch {
            try Task.checkCancellation()
            context.events.container(pod, container, .warning, "Failed", "Error: \(error.message)")
            throw StartFailure(reason: "CreateContainerError", message: error.message)
        }
        context.events.container(pod, container, .normal, "Created", "Container created")
        try await notePostStart(of: container, id)
        do {
            try await context.cri.startContainer(id)
        } catch {
            try Task.checkCancellation()
            // The same words each time, so that they count as the same.
            context.events.container(pod, container, .warning, "Failed", "Error: \(error.message.replacing(id, with: name))")
            throw StartFailure(reason: "RunContainerError", message: error.message)
        }
        context.events.container(pod, container, .normal, "Started", "Container started")
        try await runPostStart(container, id)
    }

    /// The images that the container mounts as volumes, once they are there.
    private func imageVolumes(of container: Value, _ sandbox: Sandbox) async throws -> [String: Volumes.Mounted] {
        let names = Set(container["volumeMounts"].elements.map(\.name))
        var mounted: [String: Volumes.Mounted] = [:]
        for volume in pod.volumes where !volume["image"].isNull && names.contains(volume.name) {
            let (reference, policy) = (volume[path: "image", "reference"], volume[path: "image", "pullPolicy"])
            let asked: Value = ["name": container["name"], "image": reference, "imagePullPolicy": policy]
            let present = try await context.images.ensure(asked, of: pod, sandboxConfig: sandbox.config)
            let image: Value = ["image": .string(present.reference), "user_specified_image": reference]
            mounted[volume.name] = Volumes.Mounted(path: "", isReadOnly: true, image: image)
        }
        return mounted
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
    private func configure(_ container: Value, _ image: Images.Present, _ volumes: [String: Volumes.Mounted]) async throws -> Value {
        do {
            let references = PodReferences(client: context.client, namespace: pod.namespace)
            let fields = context.fields(pod, ips: podIPs)
            let services = ServiceEnvironment.variables(
                namespace: pod.namespace, enableServiceLinks: pod.spec["enableServiceLinks"].bool ?? true,
                services: context.services(pod.namespace),
                apiService: context.services("default").first { $0["metadata"].name == "kubernetes" })
            let disk = context.disk
            let environment = try await Environment(
                pod: pod, references: references, fields: fields, services: services,
                file: { volume, path in try await disk.run { try Directory.open(volume.path).read(path, upTo: 1 << 20) } },
                volumes: volumes
            ).variables(of: container)
            let mounts = ContainerMounts(
                pod: pod, container: container, volumes: volumes, environment: environment, configuration: context.configuration,
                hasRecursiveReadOnly: context.features().recursiveReadOnly(""))
            var devices = try await context.devices.options(for: container, of: pod)
            for (claim, ids) in try context.claims.devices(for: container, of: pod) { devices.add(ids, of: claim) }
            let hosts = hostsFile(for: container)
            let (made, logged) = try await onDisk { context, pod in
                // The runtime writes the log there; that the place exists is the kubelet's to see to.
                let logs = try context.configuration.makeLogDirectory(for: pod).make(container.name, mode: 0o755)
                return (try mounts.make(hostsFile: hosts?()), try logs.names().compactMap { Whole($0.prefix { $0 != "." }) }.max())
            }
            var config = try ContainerConfig(
                pod: allocated, container: container, restartCount: restartCount(container, logged: logged), imageRef: image.reference,
                image: image.image, environment: environment, mounts: made, volumeDevices: try mounts.devices(), volumeGroups: [],
                configuration: context.configuration,
                memoryCapacity: context.machine.memory, devices: devices,
                cpus: context.cpus.cpus(of: container.name, in: uid),
                memoryNodes: context.memory.nodes(of: container.name, in: uid), hasOwnCPUs: context.cpus.hasOwn(container.name, in: uid)
            ).message()
            let specified = devices.cdiDevices.map(\.name)
            if !specified.isEmpty && !context.features().readsDeviceSpecs {
                let plain = config
                config = try await disk.run { try DeviceSpecs().put(specified, into: plain) }
            }
            if let target = container["targetContainerName"].string, !target.isEmpty {
                guard let id = runtime.container(target)?.id else {
                    throw ConfigurationError(message: "unable to find target container \(target)")
                }
                // One that sees all of the pod's processes, or of the machine's, sees its target's among them.
                if config[path: "linux", "security_context", "namespace_options", "pid"].int == 1 {
                    config["linux"]["security_context"]["namespace_options"]["pid"] = 3
                    config["linux"]["security_context"]["namespace_options"]["target_id"] = .string(id)
                }
            }
            return config
        } catch {
            try Task.checkCancellation()
            context.events.container(pod, container, .warning, "Failed", "Error: \(error)")
            throw StartFailure(reason: "CreateContainerConfigError", message: "\(error)")
        }
    }

    /// One more than any before: no two containers of a pod have the same name and number. Where the runtime forgot them, their log files
    /// tell, and what the API was told.
    private func restartCount(_ container: Value, logged: Whole?) -> Whole {
        let known = runtime.containers.filter { $0.name == container.name }.map { max($0.restartCount, $0.attempt) }.max()
        let fields = ["initContainerStatuses", "containerStatuses"]
        let told = fields.lazy.flatMap { self.status[$0].elements }.first { $0.name == container.name }?["restartCount"].int ?? 0
        guard let last = known ?? logged else { return told }
        return max(last + 1, told)
    }

    /// What the pod's hosts file says, to be asked where that may block; `nil` when the container mounts its own.
    private func hostsFile(for container: Value) -> (@Sendable () -> String)? {
        if container["volumeMounts"].elements.contains(where: { $0["mountPath"].string == "/etc/hosts" }) { return nil }
        let (hostname, domain) = SandboxConfig.hostname(of: pod, clusterDomain: context.configuration.clusterDomain)
        let (pod, ips) = (pod, podIPs)
        return {
            // The machine's own file serves a pod in its network, unless there is something to add.
            let nodeHosts = pod.usesHostNetwork ? Files.text("/etc/hosts") ?? "" : nil
            return HostsFile.content(for: pod, ips: ips, hostname: hostname, domain: domain, nodeHosts: nodeHosts)
        }
    }
}
