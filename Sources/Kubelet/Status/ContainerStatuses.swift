import APIModel
import OrderedCollections

/// Works out the API's container statuses from what the runtime has. Upstream: `convertToAPIContainerStatuses`, `prober.UpdatePodStatus`.
struct ContainerStatuses {
    let pod: Pod
    let runtime: PodRuntime
    /// The status that was last told, for what the runtime does not remember.
    let previous: Value
    /// Why containers that should run do not, by name.
    let waiting: [String: StartFailure]
    let probes: ProbeResults
    /// `containerd`
    let runtimeName: String
    /// What each container has, by id.
    let actualResources: [String: Value]
    /// All containers are taken away to begin anew.
    var isRestartingAll = false

    /// The reason of what happens to a container then.
    static let restartingAll = "RestartingAllContainers"

    func statuses(_ list: KeyPath<Pod, [Value]>, field: String, isInit: Bool) -> [Value] {
        let containers = pod[keyPath: list]
        let old = Dictionary(previous[field].elements.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        let statuses = containers.map { status(of: $0, old: old[$0.name] ?? .null, isInit: isInit) }
        // Init containers keep the order they run in.
        return isInit ? statuses : statuses.sorted { $0.name < $1.name }
    }

    private func status(of container: Value, old: Value, isInit: Bool) -> Value {
        let name = container.name
        let known = runtime.containers.filter { $0.name == name }.prefix(2)
        var status: Value
        if let current = known.first {
            status = told(current, container, old)
            if known.count > 1, let last = known.last { status["lastState"] = state(of: last, old: .null) }
        } else {
            status = untold(container, old, isInit: isInit)
        }
        explainWaiting(&status, container, known.first, isInit: isInit)
        setReadiness(&status, container, known.first, isInit: isInit)
        return ordered(status)
    }

    /// The status of a container the runtime knows.
    private func told(_ current: PodRuntime.Container, _ container: Value, _ old: Value) -> Value {
        // What it was given, and what it has: only a container that runs can differ.
        let given = container["resources"]
        let resources = current.state == .running ? actualResources[current.id] ?? given : given
        return [
            "name": .string(current.name),
            "state": state(of: current, old: old),
            "lastState": old["containerID"].string == id(current.id)
                ? old["lastState"]
                : old[path: "state", "terminated"].isNull ? old["lastState"] : ["terminated": old[path: "state", "terminated"]],
            "restartCount": .int(restarts(current, old)),
            "image": .string(current.image),
            "imageID": .string(current.imageRef),
            "containerID": .string(id(current.id)),
            "allocatedResources": given["requests"],
            "resources": resources.isNull ? .emptyObject : .object(resources.fields.filter { $0.key == "limits" || $0.key == "requests" }),
            "volumeMounts": volumeMounts(container),
            "user": user(current.user),
        ]
    }

    /// One that ran and of which nobody knows any more has ended, and the next is another.
    private func restarts(_ current: PodRuntime.Container, _ old: Value) -> Whole {
        guard current.state == .unknown, !old[path: "state", "running"].isNull else { return current.restartCount }
        return (old["restartCount"].int ?? 0) + 1
    }

    /// The status of a container that the runtime does not know: not started yet, or removed meanwhile.
    private func untold(_ container: Value, _ old: Value, isInit: Bool) -> Value {
        if isRestartingAll && !old.isNull && old[path: "state", "waiting"].isNull { return takenAway(container, old) }
        if !old[path: "state", "terminated"].isNull { return old }
        let hasInit = !pod.initContainers.isEmpty
        var status: Value = [
            "name": container["name"], "state": ["waiting": ["reason": hasInit ? "PodInitializing" : "ContainerCreating"]],
            "lastState": old["lastState"],
            "restartCount": .int(old["restartCount"].int ?? 0), "image": container["image"], "imageID": "",
            "volumeMounts": volumeMounts(container),
        ]
        if isInit && !container.isSidecar && pod.containers.contains(where: { runtime.container($0.name) != nil }) {
            status["state"] = [
                "terminated": [
                    "exitCode": 0, "reason": "Completed",
                    "message":
                        "Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally",
                ]
            ]
            return status
        }
        if !old[path: "state", "running"].isNull && old[path: "lastState", "terminated"].isNull {
            // It ran and is gone: say that it ended, so that the pod does not seem to be pending again.
            status["lastState"] = [
                "terminated": [
                    "exitCode": 137, "reason": "ContainerStatusUnknown",
                    "message": "The container could not be located when the pod was deleted.  The container used to be Running",
                ]
            ]
            if !pod.isBeingDeleted { status["restartCount"] = .int((old["restartCount"].int ?? 0) + 1) }
        }
        return status
    }

    private func takenAway(_ container: Value, _ old: Value) -> Value {
        let message: Value = "The container is removed because RestartAllContainers in place"
        return [
            "name": container["name"], "state": ["waiting": ["reason": .string(Self.restartingAll), "message": message]],
            "lastState": ["terminated": ["exitCode": 137, "reason": .string(Self.restartingAll), "message": message]],
            "restartCount": .int((old["restartCount"].int ?? 0) + 1), "image": container["image"], "imageID": "",
            "volumeMounts": volumeMounts(container),
        ]
    }

    private func id(_ id: String) -> String { "\(runtimeName)://\(id)" }

    /// The runtime's id in what the API calls a `containerID`: `containerd://…`.
    static func runtimeID(_ containerID: String) -> String {
        containerID.firstRange(of: "://").map { String(containerID[$0.upperBound...]) } ?? containerID
    }

    private func state(of container: PodRuntime.Container, old: Value) -> Value {
        switch container.state {
        case .running: return ["running": ["startedAt": Clock.text(container.startedAt)]]
        case .created: return ["waiting": .emptyObject]
        case .exited:
            return [
                "terminated": [
                    "exitCode": .int(container.exitCode),
                    "reason": .string(container.reason.isEmpty ? container.exitCode == 0 ? "Completed" : "Error" : container.reason),
                    "message": container.message.isEmpty ? .null : .string(container.message), "startedAt": Clock.text(container.startedAt),
                    "finishedAt": Clock.text(container.finishedAt), "containerID": .string(id(container.id)),
                ]
            ]
        case .unknown:
            guard !old[path: "state", "running"].isNull else { return ["waiting": .emptyObject] }
            return [
                "terminated": [
                    "exitCode": 137, "reason": "ContainerStatusUnknown",
                    "message": "The container could not be located when the pod was terminated",
                ]
            ]
        }
    }

    /// A container that is to start and could not is waiting, with the reason.
    private func explainWaiting(_ status: inout Value, _ container: Value, _ known: PodRuntime.Container?, isInit: Bool) {
        if isInit, let known, known.state == .exited, known.exitCode == 0, !container.isSidecar { return }
        guard let failure = waiting[container.name], RestartPolicy.isDue(container, of: pod, known: known) else { return }
        if !status[path: "state", "terminated"].isNull { status["lastState"] = status["state"] }
        status["state"] = [
            "waiting": ["reason": .string(failure.reason), "message": failure.message.isEmpty ? .null : .string(failure.message)]
        ]
    }

    private func setReadiness(_ status: inout Value, _ container: Value, _ known: PodRuntime.Container?, isInit: Bool) {
        let isRunning = !status[path: "state", "running"].isNull
        let isStarted = isRunning && known.map { probes.isStarted($0.id, container) } ?? false
        status["started"] = .bool(isStarted)
        if isInit && !container.isSidecar {
            status["ready"] = .bool(status[path: "state", "terminated", "exitCode"].int == 0)
        } else {
            status["ready"] = .bool(isStarted && known.map { probes.isReady($0.id, container) } ?? false)
        }
    }

    private func volumeMounts(_ container: Value) -> Value {
        let mounts = container["volumeMounts"].elements.map { mount -> Value in
            let isReadOnly = mount["readOnly"].bool ?? false
            return [
                "name": mount["name"], "mountPath": mount["mountPath"], "readOnly": isReadOnly ? true : .null,
                "recursiveReadOnly": isReadOnly ? .string(mount["recursiveReadOnly"].string == "Enabled" ? "Enabled" : "Disabled") : .null,
            ]
        }
        return mounts.isEmpty ? .null : .array(mounts)
    }

    private func user(_ user: Value) -> Value {
        let linux = user["linux"]
        guard !linux.isNull else { return .null }
        let groups = linux["supplemental_groups"].elements
        return [
            "linux": [
                "uid": .int(linux["uid"].int ?? 0), "gid": .int(linux["gid"].int ?? 0),
                "supplementalGroups": groups.isEmpty ? .null : .array(groups),
            ]
        ]
    }

    private static let order = [
        "name", "state", "lastState", "ready", "restartCount", "image", "imageID", "containerID", "started", "allocatedResources",
        "resources", "volumeMounts", "user",
    ]

    /// The fields as upstream lists them; those that are always there are.
    private func ordered(_ status: Value) -> Value {
        var ordered = Value.emptyObject
        for field in Self.order { ordered[field] = status[field] }
        if ordered["lastState"].isNull { ordered["lastState"] = .emptyObject }
        ordered = .object(.init(uniqueKeysWithValues: Self.order.compactMap { field in ordered.fields[field].map { (field, $0) } }))
        return ordered
    }
}

/// What the probes found so far, by container id.
struct ProbeResults: Equatable, Sendable {
    var results: [String: [ProbeKind: Bool]] = [:]

    init() {}

    /// What an earlier kubelet told of a pod: a container that was ready is ready until a probe says otherwise.
    init(told status: Value) {
        for container in ["initContainerStatuses", "containerStatuses"].flatMap({ status[$0].elements })
        where !container[path: "state", "running"].isNull {
            let id = ContainerStatuses.runtimeID(container["containerID"].string ?? "")
            if container["started"].bool == true { results[id, default: [:]][.startup] = true }
            if container["ready"].bool == true { results[id, default: [:]][.readiness] = true }
        }
    }

    /// Without a startup probe a running container has started.
    func isStarted(_ id: String, _ container: Value) -> Bool { container["startupProbe"].isNull || results[id]?[.startup] == true }

    /// Without a readiness probe a started container is ready.
    func isReady(_ id: String, _ container: Value) -> Bool { container["readinessProbe"].isNull || results[id]?[.readiness] == true }

    /// Fit for `PodActions`.
    func health(_ pod: Pod, _ runtime: PodRuntime) -> [String: PodActions.Health] {
        var health: [String: PodActions.Health] = [:]
        for container in runtime.containers where container.state == .running {
            guard let spec = pod.container(container.name) else { continue }
            let failed = [ProbeKind.startup, .liveness].first { results[container.id]?[$0] == false }
            health[container.id] = .init(isStarted: isStarted(container.id, spec), failed: failed)
        }
        return health
    }
}
