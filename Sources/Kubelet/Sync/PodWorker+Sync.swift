import APIModel

extension PodWorker {
    /// Brings the pod closer to its spec. Leaves the stage at `terminating` when the pod has ended or is to end.
    func sync() async throws {
        if isRuntimeStale { try await readRuntime() }
        // A pod that ended stays ended, whatever was asked meanwhile.
        if isEnding || pod.isTerminal {
            // One that an earlier kubelet saw to its end is told of as that left it.
            if pod.isTerminal && runtime.sandboxes.isEmpty && runtime.containers.isEmpty { isSettled = true }
            stage = .terminating
            return
        }
        if let activeDeadline, activeDeadline <= Clock.nanoseconds() {
            let message = "Pod was active on the node longer than the specified deadline"
            failure = PodFailure(reason: "DeadlineExceeded", message: message)
            context.events.event(about: pod, .normal, "DeadlineExceeded", message)
            stage = .terminating
            return
        }
        if context.allocations.isPreempted(uid) { evict(.preemption) }
        if let eviction {
            failure = eviction.failure
            stage = .terminating
            return
        }
        guard try await admit() else { return }
        let resizing = try await resize()
        try await exposePorts()
        try await finishPostStarts()
        await watchProbes()
        publish()
        if status["phase"].string == "Succeeded" || status["phase"].string == "Failed" {
            stage = .terminating
            return
        }
        if !pod.usesHostNetwork, let problem = context.networkProblem() {
            context.events.event(about: pod, .warning, "NetworkNotReady", "network is not ready: \(problem)")
            return retry(in: 1)
        }
        let actions = PodActions.compute(
            for: allocated, runtime: runtime, health: probes.health(pod, runtime), resizing: resizing,
            restartsAll: PodConditions.isTrue(PodConditions.restartingAll, status))
        if !actions.resets.isEmpty { return try await reset(actions.resets) }
        if actions.killPod && !actions.createSandbox {
            stage = .terminating
            return
        }
        try await perform(actions)
    }

    private func perform(_ actions: PodActions) async throws {
        if actions.killPod {
            // The sandbox is of no use any more. What ran in it goes, and a new one is made.
            if !runtime.sandboxes.isEmpty {
                context.events.event(about: pod, .normal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
            }
            try await killContainers(grace: gracePeriod) { _ in true }
            for sandbox in runtime.sandboxes { try await context.cri.stopSandbox(sandbox.id) }
        }
        for kill in actions.kills {
            guard let container = runtime.containers.first(where: { $0.id == kill.id }) else { continue }
            try await killContainer(container, grace: grace(for: kill), message: kill.message)
        }
        // A container that was killed waits like one that ended by itself, from when it ended.
        if !actions.kills.isEmpty { try await readRuntime() }
        let isIdle =
            !actions.createSandbox && actions.initContainers.isEmpty && actions.containers.isEmpty && actions.ephemeralContainers.isEmpty
        if isIdle && actions.kills.isEmpty && volumes != nil && volumesCheckedAt + Self.resync > Clock.nanoseconds() { return }

        // Volumes and sandbox do not need each other, and both take their time.
        async let volumesReady: Void = setUpVolumes()
        async let sandboxReady = makeSandbox(actions)
        let (_, sandbox) = (try await volumesReady, try await sandboxReady)
        guard let sandbox, volumes != nil else { return }
        try await exposePorts()

        let startedAny = await startContainers(actions, sandbox: sandbox)
        if isRuntimeStale || actions.createSandbox {
            try await readRuntime()
            await watchProbes()
        }
        publish()
        try await removeSuperfluous()
        // Sandbox and init containers are steps on a way that goes on at once.
        if startedAny && PodActions.compute(for: allocated, runtime: runtime, health: probes.health(pod, runtime)) != actions {
            retry(in: 0)
        }
    }

    /// Takes all containers away, whose logs stay; the next step starts them anew.
    private func reset(_ containers: [PodActions.Reset]) async throws {
        for reset in containers {
            if reset.isRunning, let container = runtime.containers.first(where: { $0.id == reset.id }) {
                try await killContainer(container, grace: 0, message: "killing")
            }
            try await context.cri.removeContainer(reset.id)
        }
        waiting = [:]
        try await readRuntime()
        await watchProbes()
        publish()
        retry(in: 0)
    }

    /// The grace period of a container that is killed alone: its probe's, or the pod's.
    private func grace(for kill: PodActions.Kill) -> Whole {
        guard let probe = kill.probe, let own = pod.container(kill.name)?[path: probe.field, "terminationGracePeriodSeconds"].seconds else {
            return gracePeriod
        }
        return own
    }

    // MARK: Ports of the node

    private func exposePorts() async throws {
        let addresses = podIPs
        guard pod.hasHostPorts, !addresses.isEmpty else { return }
        let ports = HostPort.all(of: pod, addresses: addresses)
        guard ports != exposed else { return }
        do {
            try await onDisk { context, pod in try context.hostPorts.set(ports, for: pod.uid) }
            exposed = ports
        } catch let failure as HostPorts.Failure {
            context.events.event(about: pod, .warning, "FailedHostPort", "\(failure)")
            retry(in: 10)
        }
    }

    // MARK: Volumes

    /// On failure tells so, leaves `volumes` empty when they never were up, and asks for another try.
    private func setUpVolumes() async throws {
        let now = Clock.nanoseconds()
        do {
            volumes = try await context.volumes.setUp(pod, fields: context.fields(pod, ips: podIPs))
            volumeFailures = 0
        } catch let error as Volumes.Failure {
            context.events.event(about: pod, .warning, error.event, error.description)
            volumeFailures += 1
            retry(in: min(0.5 * Double(1 << min(volumeFailures - 1, 8)), 122))
        }
        volumesCheckedAt = now
    }

    var podIPs: [String] {
        let node = context.configuration.nodeAddresses
        return pod.usesHostNetwork ? node : runtime.latestSandbox?.addresses(asOf: node) ?? []
    }

    // MARK: Sandbox

    struct Sandbox: Sendable {
        var id: String
        var config: Value
    }

    /// The sandbox to start containers in, made if need be; `nil` when that failed, which is told and tried again.
    private func makeSandbox(_ actions: PodActions) async throws -> Sandbox? {
        guard actions.createSandbox else {
            guard let sandbox = runtime.latestSandbox else { return nil }
            return Sandbox(id: sandbox.id, config: try await sandboxConfig(attempt: sandbox.attempt))
        }
        guard try await prepareClaims() else { return nil }
        do {
            let config = try await sandboxConfig(attempt: actions.attempt)
            try await onDisk { context, pod in _ = try context.configuration.makeLogDirectory(for: pod) }
            let handler = try await RuntimeHandler(client: context.client).name(for: pod)
            if pod.spec["hostUsers"].bool == false {
                throw ConfigurationError(message: "can't set `spec.hostUsers: false`, runtime does not support user namespaces")
            }
            let id = try await context.cri.runSandbox(config, handler: handler)
            var sandbox = PodRuntime.Sandbox(id: id, attempt: actions.attempt, isReady: true, createdAt: Clock.nanoseconds())
            do { sandbox.complete(try await context.cri.sandboxStatus(id)) } catch {
                try Task.checkCancellation()
                context.events.event(about: pod, .warning, "FailedPodSandBoxStatus", "Unable to get pod sandbox status: \(error)")
                isRuntimeStale = true
                retrySandbox()
                return nil
            }
            runtime.sandboxes.insert(sandbox, at: 0)
            sandboxFailures = 0
            let given = allocated
            _ = try await onDisk { context, pod in
                PodCgroup.apply(
                    given, below: context.configuration.cgroupRoot, hasOwnCPUs: context.cpus.hasOwn(pod.uid),
                    processes: context.configuration.podPidsLimit)
            }
            return Sandbox(id: id, config: config)
        } catch {
            try Task.checkCancellation()
            context.events.event(about: pod, .warning, "FailedCreatePodSandBox", "Failed to create pod sandbox: \(error)")
            isRuntimeStale = true
            retrySandbox()
            return nil
        }
    }

    private func retrySandbox() {
        sandboxFailures += 1
        retry(in: min(Double(1 << min(sandboxFailures - 1, 4)), 10))
    }

    /// Whether the pod's claims are ready; if not, that is told and tried again.
    private func prepareClaims() async throws -> Bool {
        do {
            try await context.claims.prepare(pod)
            return true
        } catch let error as ConfigurationError {
            context.events.event(about: pod, .warning, "FailedPrepareDynamicResources", "Failed to prepare dynamic resources: \(error)")
            retrySandbox()
            return false
        }
    }

    private func sandboxConfig(attempt: Whole) async throws -> Value {
        let configuration = context.configuration
        let host = try await onDisk { context, _ in ResolvConf.read(context.configuration.resolvConf) }
        let dns = ResolvConf.configuration(
            for: pod, host: host, own: configuration.resolvConf.isEmpty ? .none(for: configuration.nodeAddresses) : nil,
            clusterServers: configuration.clusterDNS,
            clusterDomain: configuration.clusterDomain)
        for cut in dns.cuts { context.events.event(about: pod, .warning, "DNSConfigForming", cut) }
        if dns.isClusterMissing && runtime.sandboxes.isEmpty {
            let words =
                "kubelet does not have ClusterDNS IP configured and cannot create Pod using \"ClusterFirst\" policy. Falling back to \"Default\" policy."
            context.events.event(aboutNode: configuration.nodeName, .warning, "MissingClusterDNS", words)
            context.events.event(about: pod, .warning, "MissingClusterDNS", "pod: \"\(pod.description)\". \(words)")
        }
        return try SandboxConfig.make(for: pod, attempt: attempt, dns: dns.configuration, configuration: configuration, seen: seen)
    }

    // MARK: Leftovers

    /// Keeps the newest two containers of each name, the one that runs and the one before it for its log, and the newest sandbox.
    private func removeSuperfluous() async throws {
        var seen: [String: Int] = [:]
        for container in runtime.containers {
            seen[container.name, default: 0] += 1
            guard seen[container.name, default: 0] > 2, container.state != .running else { continue }
            try? await context.cri.removeContainer(container.id)
            if !container.logPath.isEmpty {
                try await onDisk { context, _ in ContainerLogFile(container.logPath, context.configuration).remove() }
            }
            runtime.containers.removeAll { $0.id == container.id }
        }
        for sandbox in runtime.sandboxes.dropFirst()
        where !sandbox.isReady && !runtime.containers.contains(where: { $0.sandbox == sandbox.id }) {
            try? await context.cri.removeSandbox(sandbox.id)
            runtime.sandboxes.removeAll { $0.id == sandbox.id }
        }
    }
}
