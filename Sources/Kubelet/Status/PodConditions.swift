import APIModel

/// The conditions the kubelet keeps on a pod. Upstream: `status/generate.go`.
enum PodConditions {
    /// The types that are the kubelet's; all others belong to someone else.
    static let owned: Set<String> = [
        "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", "PodResizePending", "PodResizeInProgress",
    ]

    struct Condition: Equatable {
        var type: String
        var status: Bool
        var reason = ""
        var message = ""
    }

    static func compute(_ pod: Pod, initStatuses: [Value], statuses: [Value], phase: String, hasSandbox: Bool) -> [Condition] {
        let all = Dictionary((initStatuses + statuses).map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        let containersReady = containersReady(pod, all, phase)
        return [
            Condition(type: "PodReadyToStartContainers", status: hasSandbox),
            initialized(pod, all, phase),
            ready(pod, containersReady),
            containersReady,
            Condition(type: "PodScheduled", status: true),
        ]
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

    private static func initialized(_ pod: Pod, _ statuses: [String: Value], _ phase: String) -> Condition {
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
        return message.isEmpty
            ? Condition(type: "Initialized", status: true)
            : Condition(type: "Initialized", status: false, reason: "ContainersNotInitialized", message: message)
    }

    /// `containers with unready status: [a b]`
    private static func message(_ lists: [(String, [String])]) -> String {
        lists.filter { !$0.1.isEmpty }.map { "containers with \($0.0) status: [\($0.1.joined(separator: " "))]" }.joined(separator: ", ")
    }
}
