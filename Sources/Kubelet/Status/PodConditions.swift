import APIModel

/// The conditions the kubelet keeps on a pod. Upstream: `status/generate.go`.
enum PodConditions {
    /// The types that are the kubelet's; all others belong to someone else.
    static let owned: Set<String> = [
        "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", "PodResizePending", "PodResizeInProgress",
        restartingAll,
    ]
    /// All containers are being taken away to begin anew.
    static let restartingAll = "AllContainersRestarting"

    /// The pod ends although nothing is wrong with it. Not the kubelet's alone.
    static let disruptionTarget = "DisruptionTarget"

    static func isTrue(_ type: String, _ status: Value) -> Bool {
        status["conditions"].elements.contains { $0["type"].string == type && $0["status"].string == "True" }
    }

    struct Condition: Equatable {
        var type: String
        var status: Bool
        var reason = ""
        var message = ""
    }

    /// - Parameter previous: the status last told.
    static func compute(_ pod: Pod, initStatuses: [Value], statuses: [Value], phase: String, hasSandbox: Bool, previous: Value)
        -> [Condition]
    {
        let all = Dictionary((initStatuses + statuses).map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        let containersReady = containersReady(pod, all, phase)
        return [
            Condition(type: "PodReadyToStartContainers", status: hasSandbox),
            initialized(pod, all, phase, wasInitialized: isTrue("Initialized", previous)),
            ready(pod, containersReady),
            containersReady,
            Condition(type: "PodScheduled", status: true),
        ]
    }

    /// - Parameters:
    ///   - isWanted: the exit of a container wants it.
    ///   - isDone: nothing is left of the containers.
    static func restartingAll(phase: String, isWanted: Bool, isDone: Bool) -> Condition {
        switch phase {
        case "Succeeded": Condition(type: restartingAll, status: false, reason: "PodCompleted")
        case "Failed": Condition(type: restartingAll, status: false, reason: "PodFailed")
        default:
            isWanted && !isDone
                ? Condition(
                    type: restartingAll, status: true, reason: "RestartAllContainersStarted",
                    message: "container exited with restart policy rule")
                : Condition(type: restartingAll, status: false)
        }
    }

    private static func containersReady(_ pod: Pod, _ statuses: [String: Value], _ phase: String) -> Condition {
        let watched = pod.initContainers.filter(\.isSidecar) + pod.containers
        let unknown = watched.map(\.name).filter { statuses[$0] == nil }
        let unready = watched.map(\.name).filter { statuses[$0] != nil && statuses[$0]?["ready"].bool != true }
        if phase == "Succeeded" && unknown.isEmpty { return Condition(type: "ContainersReady", status: false, reason: "PodCompleted") }
        if phase == "Failed" { return Condition(type: "ContainersReady", status: false, reason: "PodFailed") }
        let message = message([("unknown", unknown), ("unready", unready)])
        return message.isEmpty
            ? Condition(type: "ContainersReady", status: true)
            : Condition(type: "ContainersReady", status: false, reason: "ContainersNotReady", message: message)
    }

    private static func ready(_ pod: Pod, _ containersReady: Condition) -> Condition {
        var ready = containersReady
        ready.type = "Ready"
        guard ready.status else { return ready }
        let conditions = pod.status["conditions"].elements
        let missing: [String] = pod.spec["readinessGates"].elements.compactMap { gate in
            let type = gate["conditionType"].string ?? ""
            guard let condition = conditions.first(where: { $0["type"].string == type }) else {
                return "corresponding condition of pod readiness gate \"\(type)\" does not exist."
            }
            let status = condition["status"].string ?? ""
            return status == "True" ? nil : "the status of pod readiness gate \"\(type)\" is not \"True\", but \(status)"
        }
        return missing.isEmpty
            ? ready : Condition(type: "Ready", status: false, reason: "ReadinessGatesNotReady", message: missing.joined(separator: ", "))
    }

    private static func initialized(_ pod: Pod, _ statuses: [String: Value], _ phase: String, wasInitialized: Bool) -> Condition {
        let unknown = pod.initContainers.map(\.name).filter { statuses[$0] == nil }
        if phase == "Succeeded" && unknown.isEmpty { return Condition(type: "Initialized", status: true, reason: "PodCompleted") }
        let hasStarted = pod.containers.contains { container in
            guard let status = statuses[container.name] else { return false }
            return status["started"].bool == true || !status[path: "lastState", "terminated"].isNull
                || !status[path: "state", "terminated"].isNull
        }
        if hasStarted { return Condition(type: "Initialized", status: true) }
        let incomplete = pod.initContainers.filter { container in
            guard let status = statuses[container.name] else { return false }
            return status[container.isSidecar ? "started" : "ready"].bool != true
        }.map(\.name)
        let message = message([("unknown", unknown), ("incomplete", incomplete)])
        // A pod that was initialized stays so, also while it begins anew.
        return message.isEmpty || wasInitialized
            ? Condition(type: "Initialized", status: true)
            : Condition(type: "Initialized", status: false, reason: "ContainersNotInitialized", message: message)
    }

    /// `containers with unready status: [a b]`
    private static func message(_ lists: [(String, [String])]) -> String {
        lists.filter { !$0.1.isEmpty }.map { "containers with \($0.0) status: [\($0.1.joined(separator: " "))]" }.joined(separator: ", ")
    }
}
