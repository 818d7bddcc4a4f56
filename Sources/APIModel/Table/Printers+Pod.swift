internal import OrderedCollections

extension Printers {
    /// A pod's row, with upstream's rules for what stands under Status.
    static let pod: Printer = { pod, context in
        let summary = PodSummary(pod)
        var restarts = String(summary.restarts)
        if summary.restarts != 0, !summary.lastRestart.isEmpty { restarts += " (\(context.since(.string(summary.lastRestart))) ago)" }

        let gates = pod["spec"]["readinessGates"].elements
        let passed = gates.filter { gate in condition(pod, gate["conditionType"].string ?? "")["status"].string == "True" }
        let address = pod["status"]["podIPs"][0]["ip"].string ?? pod["status"]["podIP"].string ?? ""
        return [
            "Ready": .string("\(summary.ready)/\(summary.total)"), "Status": .string(summary.reason), "Restarts": .string(restarts),
            "IP": .string(address.isEmpty ? none : address),
            "Node": text(pod["spec"]["nodeName"], or: none), "Nominated Node": text(pod["status"]["nominatedNodeName"], or: none),
            "Readiness Gates": .string(gates.isEmpty ? none : "\(passed.count)/\(gates.count)"),
        ]
    }
}

/// What a pod's containers amount to.
private struct PodSummary {
    var total: Int
    var ready = 0
    var restarts: Whole = 0
    var lastRestart = ""
    var reason: String

    init(_ pod: Value) {
        let spec = pod["spec"]
        let status = pod["status"]
        let phase = status["phase"].string ?? ""
        let initContainers = spec["initContainers"].elements
        let sidecars = Set(initContainers.filter { $0["restartPolicy"].string == "Always" }.compactMap { $0["name"].string })
        total = spec["containers"].elements.count + sidecars.count
        reason = status["reason"].string.flatMap { $0.isEmpty ? nil : $0 } ?? phase
        let scheduled = Printers.condition(pod, "PodScheduled")
        if scheduled["reason"].string == "SchedulingGated" { reason = "SchedulingGated" }

        let isInitializing = countInitContainers(status["initContainerStatuses"].elements, sidecars, of: initContainers.count)
        if !isInitializing || Printers.condition(pod, "Initialized")["status"].string == "True" {
            restarts = sidecarRestarts
            lastRestart = lastSidecarRestart
            let hasRunning = countContainers(status["containerStatuses"].elements)
            if reason == "Completed", hasRunning {
                reason = Printers.condition(pod, "Ready")["status"].string == "True" ? "Running" : "NotReady"
            }
        }
        guard !pod["metadata"]["deletionTimestamp"].isNull else { return }
        if status["reason"].string == "NodeLost" {
            reason = "Unknown"
        } else if phase != "Failed", phase != "Succeeded" {
            reason = "Terminating"
        }
    }

    private var sidecarRestarts: Whole = 0
    private var lastSidecarRestart = ""

    /// Whether an init container is still at work, or has failed.
    private mutating func countInitContainers(_ statuses: [Value], _ sidecars: Set<String>, of count: Int) -> Bool {
        for (index, container) in statuses.enumerated() {
            let isSidecar = sidecars.contains(container["name"].string ?? "")
            note(container, isSidecar: isSidecar)
            let terminated = container["state"]["terminated"]
            let waiting = container["state"]["waiting"]["reason"].string ?? ""
            if !terminated.isNull, terminated["exitCode"].int ?? 0 == 0 { continue }
            if isSidecar, container["started"].bool == true {
                if container["ready"].bool == true { ready += 1 }
                continue
            }
            if !terminated.isNull {
                reason = "Init:" + Self.ending(terminated)
            } else if !waiting.isEmpty, waiting != "PodInitializing" {
                reason = "Init:" + waiting
            } else {
                reason = "Init:\(index)/\(count)"
            }
            return true
        }
        return false
    }

    /// Whether one is ready and running.
    private mutating func countContainers(_ statuses: [Value]) -> Bool {
        var hasRunning = false
        for container in statuses.reversed() {
            note(container, isSidecar: false)
            let state = container["state"]
            if let waiting = state["waiting"]["reason"].string, !waiting.isEmpty {
                reason = waiting
            } else if !state["terminated"].isNull {
                reason = Self.ending(state["terminated"])
            } else if container["ready"].bool == true, !state["running"].isNull {
                hasRunning = true
                ready += 1
            }
        }
        return hasRunning
    }

    private mutating func note(_ container: Value, isSidecar: Bool) {
        let count = container["restartCount"].int ?? 0
        restarts += count
        let finished = container["lastState"]["terminated"]["finishedAt"].string ?? ""
        // RFC 3339 in UTC: text orders as time does.
        if finished > lastRestart { lastRestart = finished }
        guard isSidecar else { return }
        sidecarRestarts += count
        if finished > lastSidecarRestart { lastSidecarRestart = finished }
    }

    private static func ending(_ terminated: Value) -> String {
        if let reason = terminated["reason"].string, !reason.isEmpty { return reason }
        if let signal = terminated["signal"].int, signal != 0 { return "Signal:\(signal)" }
        return "ExitCode:\(terminated["exitCode"].int ?? 0)"
    }
}
