import APIModel

/// Works out a pod's status from the pod, from what the runtime has and from what was told before. Changes nothing. Upstream:
/// `generateAPIPodStatus`.
struct PodStatus {
    let pod: Pod
    let runtime: PodRuntime
    /// The status last told, or else the one the API has.
    let previous: Value
    let waiting: [String: StartFailure]
    let probes: ProbeResults
    /// No container will run any more.
    let isDone: Bool
    let runtimeName: String
    /// What each container has, by id.
    let actualResources: [String: Value]
    let resizeConditions: [PodConditions.Condition]
    let hostIPs: [String]
    /// Seconds since 1970.
    let now: Whole
    /// How the devices of containers are, by container.
    var devices: [String: Value] = [:]
    /// Says why the pod failed by the kubelet's own decision.
    var failure: PodFailure?

    func compute() -> Value {
        let containers = ContainerStatuses(
            pod: pod, runtime: runtime, previous: previous, waiting: waiting, probes: probes, runtimeName: runtimeName,
            actualResources: actualResources, isRestartingAll: isRestartingAll)
        let initStatuses = containers.statuses(\.initContainers, field: "initContainerStatuses", isInit: true)
        let statuses = containers.statuses(\.containers, field: "containerStatuses", isInit: false).map(withDevices)
        let ephemeral = containers.statuses(\.ephemeralContainers, field: "ephemeralContainerStatuses", isInit: false)
        let phase = phase(initStatuses, statuses)
        var status: Value = ["phase": .string(phase)]
        if pod.generation > 0 { status["observedGeneration"] = .int(pod.generation) }
        var conditions = PodConditions.compute(
            pod, initStatuses: initStatuses, statuses: statuses, phase: phase, hasSandbox: !PodActions.needsSandbox(pod, runtime),
            previous: previous)
        if RestartPolicy.mayRestartAll(pod) {
            conditions.append(PodConditions.restartingAll(phase: phase, isWanted: isRestartingAll, isDone: isCleared))
        }
        if let message = failure?.disruption {
            conditions.append(
                .init(type: PodConditions.disruptionTarget, status: true, reason: "TerminationByKubelet", message: message))
        }
        status["conditions"] = .array((resizeConditions + conditions).map(condition))
        if let failure {
            status["reason"] = .string(failure.reason)
            status["message"] = .string(failure.message)
        } else if phase == previous["phase"].string {
            status["message"] = previous["message"]
            status["reason"] = previous["reason"]
        }
        status["hostIP"] = Value(hostIPs.first)
        status["hostIPs"] = hostIPs.isEmpty ? .null : .array(hostIPs.map { ["ip": .string($0)] })
        let ips = podIPs
        status["podIP"] = Value(ips.first)
        status["podIPs"] = ips.isEmpty ? .null : .array(ips.map { ["ip": .string($0)] })
        let started = previous["startTime"].isNull ? pod.status["startTime"] : previous["startTime"]
        status["startTime"] = started.isNull ? .string(Timestamp.format(seconds: now)) : started
        if !initStatuses.isEmpty { status["initContainerStatuses"] = .array(initStatuses) }
        if !statuses.isEmpty { status["containerStatuses"] = .array(statuses) }
        if !ephemeral.isEmpty { status["ephemeralContainerStatuses"] = .array(ephemeral) }
        status["resources"] = PodTotals(spec: pod.with(resources: resourcesInEffect).spec).resources
        status["allocatedResources"] = PodTotals(spec: pod.spec).requests
        status["qosClass"] = .string(pod.status["qosClass"].string ?? QualityOfService(of: pod).rawValue)
        return status
    }

    /// What a pod had that has ended is told as it was.
    private func withDevices(_ status: Value) -> Value {
        let told = previous["containerStatuses"].elements.first { $0.name == status.name }?["allocatedResourcesStatus"] ?? .null
        let devices = devices[status.name] ?? told
        guard !devices.isNull else { return status }
        var status = status
        status["allocatedResourcesStatus"] = devices
        return status
    }

    /// By name, where it is not what was given.
    private var resourcesInEffect: [String: Value] {
        var resources: [String: Value] = [:]
        resources[Pod.whole] = actualResources[Pod.whole]
        for container in runtime.containers where container.state == .running {
            if let actual = actualResources[container.id] { resources[container.name] = actual }
        }
        return resources
    }

    // MARK: Beginning anew

    /// The exit of a container wants all of them to begin anew, and that is not over. Upstream: `ShouldAllContainersRestart`.
    private var isRestartingAll: Bool {
        guard RestartPolicy.mayRestartAll(pod) else { return false }
        if PodConditions.isTrue(PodConditions.restartingAll, previous) { return true }
        let told = previous["initContainerStatuses"].elements + previous["containerStatuses"].elements
        return (pod.initContainers + pod.containers).contains { container in
            let known = runtime.container(container.name)
            let lately = told.first { $0.name == container.name }?[path: "state", "terminated", "exitCode"].int
            let codes = [known?.state == .exited ? known?.exitCode : nil, known?.state == .running ? nil : lately]
            return codes.contains { $0.map { RestartPolicy.restartsAll(container, afterExit: $0) } ?? false }
        }
    }

    private var isCleared: Bool { (pod.initContainers + pod.containers).allSatisfy { runtime.container($0.name) == nil } }

    /// A pod does not leave a phase that is an end.
    private func phase(_ initStatuses: [Value], _ statuses: [Value]) -> String {
        if pod.isTerminal { return pod.phase }
        if failure != nil { return "Failed" }
        if let old = previous["phase"].string, old == "Failed" || old == "Succeeded" { return old }
        return PodPhase.compute(
            pod, initStatuses: initStatuses, statuses: statuses, hasInitialized: hasInitialized, isDone: isDone)
    }

    /// What an earlier sandbox had does not count.
    private var hasInitialized: Bool {
        guard let sandbox = runtime.latestSandbox, sandbox.isReady else { return false }
        let names = Set(pod.containers.map(\.name))
        return runtime.containers.contains { $0.sandbox == sandbox.id && names.contains($0.name) }
    }

    /// Addresses stay when the sandbox is gone, for whoever looks at a pod that ended.
    private var podIPs: [String] {
        if pod.usesHostNetwork { return hostIPs }
        if let sandbox = runtime.latestSandbox, sandbox.isReady, !sandbox.ips.isEmpty { return sandbox.addresses(asOf: hostIPs) }
        return previous["podIPs"].elements.compactMap { $0["ip"].string }
    }

    /// Keeps the time of the last transition while the status stays.
    private func condition(_ condition: PodConditions.Condition) -> Value {
        let status = condition.status ? "True" : "False"
        let old = previous["conditions"].elements.first { $0["type"].string == condition.type } ?? .null
        let since = old["status"].string == status ? old["lastTransitionTime"] : .null
        return [
            "type": .string(condition.type), "status": .string(status),
            "observedGeneration": pod.generation > 0 ? .int(pod.generation) : .null,
            "lastTransitionTime": since.isNull ? .string(Timestamp.format(seconds: now)) : since,
            "reason": condition.reason.isEmpty ? .null : .string(condition.reason),
            "message": condition.message.isEmpty ? .null : .string(condition.message),
        ]
    }
}
