import APIModel

/// Whether an ended container starts again.
enum RestartPolicy {
    /// By exit code alone: the container's own rules, then its own policy, then the pod's. Upstream: `podutil.ContainerShouldRestart`.
    static func restarts(_ container: Value, of pod: Pod, afterExit code: Whole) -> Bool {
        for rule in container["restartPolicyRules"].elements where rule["action"].string == "Restart" {
            let codes = rule[path: "exitCodes", "values"].elements.compactMap(\.int)
            switch rule[path: "exitCodes", "operator"].string {
            case "In" where codes.contains(code), "NotIn" where !codes.contains(code): return true
            default: break
            }
        }
        switch container["restartPolicy"].string ?? pod.restartPolicy {
        case "Always": return true
        case "OnFailure": return code != 0
        default: return false
        }
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
}
