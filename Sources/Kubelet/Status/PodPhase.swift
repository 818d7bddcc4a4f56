import APIModel

/// A pod's phase from its container statuses. Upstream: `getPhase`.
enum PodPhase {
    /// - Parameters:
    ///   - hasInitialized: one of its containers was made in the sandbox that it has now.
    ///   - isDone: no container will run any more, whatever the restart policy says.
    static func compute(_ pod: Pod, initStatuses: [Value], statuses: [Value], hasInitialized: Bool, isDone: Bool) -> String {
        let byName = Dictionary((initStatuses + statuses).map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        var count = Count()
        for container in pod.initContainers where !container.isSidecar { count.initContainer(byName[container.name], container, pod) }
        for container in pod.initContainers where container.isSidecar { count.sidecar(byName[container.name]) }
        for container in pod.containers { count.container(byName[container.name], container, pod) }

        if count.failedForGood > 0 { return "Failed" }
        if count.pendingInit > 0 || count.pendingSidecars > 0 && !hasInitialized || count.waiting > 0 { return "Pending" }
        if count.running > 0 && count.unknown == 0 { return "Running" }
        guard count.running == 0, count.stopped > 0, count.unknown == 0 else { return "Pending" }
        if isDone { return count.stopped == count.succeeded ? "Succeeded" : "Failed" }
        if count.stopped != count.stoppedForGood { return "Running" }
        return count.stopped == count.succeeded ? "Succeeded" : "Failed"
    }

    private struct Count {
        var pendingInit = 0
        var pendingSidecars = 0
        var failedForGood = 0
        var unknown = 0
        var running = 0
        var waiting = 0
        var stopped = 0
        var stoppedForGood = 0
        var succeeded = 0

        mutating func initContainer(_ status: Value?, _ container: Value, _ pod: Pod) {
            guard let status else {
                pendingInit += 1
                return
            }
            let ended =
                status[path: "state", "waiting"].isNull ? status[path: "state", "terminated"] : status[path: "lastState", "terminated"]
            guard !ended.isNull else {
                pendingInit += 1
                return
            }
            // While one that failed starts again, those after it wait.
            if ended["exitCode"].int ?? 0 != 0 && !restarts(container, ended, pod) { failedForGood += 1 }
        }

        mutating func sidecar(_ status: Value?) {
            guard let status else {
                unknown += 1
                return
            }
            if !status[path: "state", "running"].isNull {
                if status["started"].bool != true { pendingSidecars += 1 }
                running += 1
            } else if !status[path: "state", "waiting"].isNull && status[path: "lastState", "terminated"].isNull {
                pendingSidecars += 1
                waiting += 1
            }
        }

        mutating func container(_ status: Value?, _ container: Value, _ pod: Pod) {
            guard let status else {
                unknown += 1
                return
            }
            if !status[path: "state", "running"].isNull {
                running += 1
                return
            }
            let terminated = status[path: "state", "terminated"]
            let ended = terminated.isNull ? status[path: "lastState", "terminated"] : terminated
            guard !ended.isNull else {
                waiting += 1
                return
            }
            stopped += 1
            if !restarts(container, ended, pod) { stoppedForGood += 1 }
            if !terminated.isNull && ended["exitCode"].int ?? 0 == 0 { succeeded += 1 }
        }

        private func restarts(_ container: Value, _ ended: Value, _ pod: Pod) -> Bool {
            ended["reason"].string == ContainerStatuses.restartingAll
                || RestartPolicy.restarts(container, of: pod, afterExit: ended["exitCode"].int ?? 0)
        }
    }
}
