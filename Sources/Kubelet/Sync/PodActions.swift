import APIModel

/// What is to be done for a pod now. Worked out from the pod and from what the runtime has, without doing anything. Upstream:
/// `computePodActions`.
struct PodActions: Equatable, Sendable {
    /// All containers and the sandbox have to go: the pod is done, or its sandbox is.
    var killPod = false
    var createSandbox = false
    /// The number of the sandbox to create.
    var attempt: Whole = 0
    var sandbox: String?
    /// Indices into the init containers, in order.
    var initContainers: [Int] = []
    /// Indices into the containers; they may start at once.
    var containers: [Int] = []
    var ephemeralContainers: [Int] = []
    var kills: [Kill] = []
    /// All that is left of the containers, to be taken away in this order before they begin anew.
    var resets: [Reset] = []

    struct Reset: Equatable, Sendable {
        var id: String
        var isRunning: Bool
    }

    struct Kill: Equatable, Sendable {
        var id: String
        var name: String
        /// The event's, empty for the usual words.
        var message: String
        /// A probe that failed counts; the container gets the grace period of the probe.
        var probe: ProbeKind?
    }

    /// What the probes say of a container that runs.
    struct Health: Equatable, Sendable {
        /// The startup probe succeeded, or there is none.
        var isStarted = true
        /// The liveness or startup probe that failed for good.
        var failed: ProbeKind?
        init(isStarted: Bool = true, failed: ProbeKind? = nil) {
            self.isStarted = isStarted
            self.failed = failed
        }
    }

    /// - Parameters:
    ///   - health: by container id; a missing entry is healthy and started.
    ///   - resizing: ids of containers that have to start again to get the resources they have been given.
    ///   - restartsAll: a rule of a container that ended wants all of them to begin anew.
    static func compute(
        for pod: Pod, runtime: PodRuntime, health: [String: Health] = [:], resizing: Set<String> = [], restartsAll: Bool = false
    ) -> PodActions {
        if restartsAll { return PodActions(resets: resets(of: pod, runtime)) }
        var planner = Planner(pod: pod, runtime: runtime, health: health, resizing: resizing)
        planner.plan()
        return planner.actions
    }

    /// Those whose exit wants it go last, so that it is still known when this is broken off.
    private static func resets(of pod: Pod, _ runtime: PodRuntime) -> [Reset] {
        func found(_ containers: [Value], isCause: Bool) -> [Reset] {
            containers.flatMap { container in
                runtime.containers.filter { known in
                    let wantsIt = known.state == .exited && RestartPolicy.restartsAll(container, afterExit: known.exitCode)
                    return known.name == container.name && wantsIt == isCause
                }.map { Reset(id: $0.id, isRunning: $0.state == .running) }
            }
        }
        return [false, true].flatMap { found(pod.containers, isCause: $0) + found(pod.initContainers, isCause: $0) }
    }

    /// Whether the pod's newest sandbox cannot be used. Upstream: `PodSandboxChanged`.
    static func needsSandbox(_ pod: Pod, _ runtime: PodRuntime) -> Bool {
        guard let latest = runtime.latestSandbox, latest.isReady, runtime.sandboxes.count(where: \.isReady) == 1 else { return true }
        if let mode = latest.networkMode, mode != (pod.usesHostNetwork ? 2 : 0) { return true }
        return !pod.usesHostNetwork && latest.ips.isEmpty
    }
}

private struct Planner {
    let pod: Pod
    let runtime: PodRuntime
    let health: [String: PodActions.Health]
    let resizing: Set<String>
    var actions = PodActions()

    mutating func plan() {
        actions.sandbox = runtime.latestSandbox?.id
        if PodActions.needsSandbox(pod, runtime) { planSandbox() } else { planContainers() }
    }

    private mutating func planSandbox() {
        actions.killPod = !runtime.sandboxes.isEmpty || runtime.hasRunningContainers
        actions.attempt = runtime.latestSandbox.map { $0.attempt + 1 } ?? 0
        actions.sandbox = nil
        // A pod that is not restarted gets no second sandbox once something ran in the first.
        let restarts = pod.containers.contains { RestartPolicy.restarts($0, of: pod, afterExit: 1) }
        if actions.attempt > 0 && !restarts && !runtime.containers.isEmpty {
            actions.killPod = true
            return
        }
        let due = pod.containers.indices.filter { index in
            let known = runtime.container(pod.containers[index].name)
            guard let known, known.state == .exited else { return true }
            return RestartPolicy.restarts(pod.containers[index], of: pod, afterExit: known.exitCode)
        }
        if due.isEmpty && !pod.containers.isEmpty && !runtime.containers.isEmpty {
            actions.killPod = true
            return
        }
        actions.createSandbox = true
        if pod.initContainers.isEmpty { actions.containers = due } else { actions.initContainers = [0] }
    }

    private mutating func planContainers() {
        for (index, container) in pod.ephemeralContainers.enumerated() where runtime.container(container.name) == nil {
            actions.ephemeralContainers.append(index)
        }
        guard planInitContainers() else { return }
        var kept = 0
        for (index, container) in pod.containers.enumerated() {
            let known = runtime.container(container.name)
            guard let known, known.state == .running else {
                guard RestartPolicy.isDue(container, of: pod, known: known) else { continue }
                killUnknown(known, "Container")
                actions.containers.append(index)
                continue
            }
            guard var kill = killNeeded(container, known, "Container") else {
                kept += 1
                continue
            }
            // A changed definition is always carried out, a failed probe by the restart policy.
            if kill.probe == nil || RestartPolicy.restartsFailed(container, of: pod) {
                kill.message += isResizing(known) ? "" : ", will be restarted"
                actions.containers.append(index)
            }
            actions.kills.append(kill)
        }
        if kept == 0 && actions.containers.isEmpty {
            actions.killPod = true
            // The sidecars go with it.
            actions.initContainers = []
        }
    }

    private func isResizing(_ known: PodRuntime.Container) -> Bool { resizing.contains(known.id) }

    /// Whether it runs nobody knows, and it is never to run twice.
    private mutating func killUnknown(_ known: PodRuntime.Container?, _ what: String) {
        guard let known, known.state == .unknown else { return }
        actions.kills.append(
            .init(id: known.id, name: known.name, message: "\(what) is in \"Unknown\" state, try killing it before restart"))
    }

    private func killNeeded(_ container: Value, _ known: PodRuntime.Container, _ what: String) -> PodActions.Kill? {
        if !known.hash.isEmpty && known.hash != ContainerHash.hash(of: container) {
            return .init(id: known.id, name: known.name, message: "\(what) \(known.name) definition changed")
        }
        if isResizing(known) {
            return .init(id: known.id, name: known.name, message: "Container \(known.name) resize requires restart")
        }
        guard let probe = health[known.id]?.failed else { return nil }
        return .init(
            id: known.id, name: known.name, message: "\(what) \(known.name) failed \(probe.rawValue.lowercased()) probe", probe: probe)
    }

    /// Plans init containers and sidecars. Returns whether the main containers may start.
    private mutating func planInitContainers() -> Bool {
        let sandbox = runtime.latestSandbox?.id
        // What ran in an earlier sandbox does not count: a new sandbox is initialized anew.
        let active = PodRuntime(sandboxes: runtime.sandboxes, containers: runtime.containers.filter { $0.sandbox == sandbox })
        let wasInitialized = pod.containers.contains { active.container($0.name) != nil }
        let furthest = pod.initContainers.lastIndex { active.container($0.name) != nil } ?? -1
        for (index, container) in pod.initContainers.enumerated() {
            let known = active.container(container.name)
            if container.isSidecar {
                guard planSidecar(index, container, known, isPassed: wasInitialized || index < furthest) else { return false }
                continue
            }
            // It ran once; that its container was removed since does not bring it back.
            if wasInitialized || index < furthest { continue }
            guard let known else {
                actions.initContainers.append(index)
                return false
            }
            let mayRestart: Bool
            switch known.state {
            case .running: return false
            case .exited where known.exitCode == 0: continue
            case .created: mayRestart = true
            case .unknown: mayRestart = RestartPolicy.restartsFailed(container, of: pod)
            case .exited:
                mayRestart = RestartPolicy.restarts(container, of: pod, afterExit: known.exitCode) && !pod.isBeingDeleted
            }
            if mayRestart {
                killUnknown(known, "Init container")
                actions.initContainers.append(index)
            } else {
                actions.killPod = true
            }
            return false
        }
        return true
    }

    /// Returns whether what follows the sidecar may go on.
    private mutating func planSidecar(_ index: Int, _ container: Value, _ known: PodRuntime.Container?, isPassed: Bool) -> Bool {
        guard let known, known.state == .running else {
            killUnknown(known, "Init container")
            if !pod.isBeingDeleted { actions.initContainers.append(index) }
            return isPassed
        }
        let isStarted = health[known.id]?.isStarted ?? true
        guard let kill = killNeeded(container, known, "Init container") else { return isPassed || isStarted }
        actions.kills.append(kill)
        actions.initContainers.append(index)
        // One that had started let others start.
        return isPassed || isStarted && kill.probe != .startup
    }
}
