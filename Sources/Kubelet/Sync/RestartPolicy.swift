import APIModel

/// Whether an ended container starts again.
enum RestartPolicy {
    /// By exit code alone: the container's own rules, then its own policy, then the pod's. Upstream: `podutil.ContainerShouldRestart`.
    static func restarts(_ container: Value, of pod: Pod, afterExit code: Whole) -> Bool {
        if rule(of: container, afterExit: code) != nil { return true }
        switch container["restartPolicy"].string ?? pod.restartPolicy {
        case "Always": return true
        case "OnFailure": return code != 0
        default: return false
        }
    }

    /// Whether the container starts again after it was killed for what it did, whatever it says to that.
    static func restartsFailed(_ container: Value, of pod: Pod) -> Bool {
        (container["restartPolicy"].string ?? pod.restartPolicy) != "Never"
    }

    /// Whether the container, as the runtime knows it, is to be started. Upstream: `ShouldContainerBeRestarted`.
    static func isDue(_ container: Value, of pod: Pod, known: PodRuntime.Container?) -> Bool {
        guard !pod.isBeingDeleted else { return false }
        guard let known else { return true }
        switch known.state {
        case .running: return false
        case .created, .unknown: return true
        case .exited: return restarts(container, of: pod, afterExit: known.exitCode)
        }
    }

    // MARK: Rules of a container

    /// What the container's rules want done about an exit code.
    enum Rule: String {
        /// It starts again.
        case restart = "Restart"
        /// All of the pod begin anew, in the same sandbox.
        case restartAll = "RestartAllContainers"
    }

    /// The first that fits counts.
    private static func rule(of container: Value, afterExit code: Whole) -> Rule? {
        let rule = container["restartPolicyRules"].elements.first { rule in
            let isAmong = rule[path: "exitCodes", "values"].elements.contains { $0.int == code }
            switch rule[path: "exitCodes", "operator"].string {
            case "In": return isAmong
            case "NotIn": return !isAmong
            default: return false
            }
        }
        return rule?["action"].string.flatMap(Rule.init)
    }

    static func restartsAll(_ container: Value, afterExit code: Whole) -> Bool { rule(of: container, afterExit: code) == .restartAll }

    /// Whether any exit of the pod's containers could let all of them begin anew.
    static func mayRestartAll(_ pod: Pod) -> Bool {
        (pod.initContainers + pod.containers).contains { container in
            container["restartPolicyRules"].elements.contains { $0["action"].string == Rule.restartAll.rawValue }
        }
    }
}
