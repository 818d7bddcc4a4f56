internal import APIModel
internal import PluginKit

/// What the `podFailurePolicy` of a Job says about a failed Pod: its first rule that matches decides.
struct FailurePolicy {
    enum Action {
        /// Counts towards the limits, as every failure does without a policy.
        case count
        case ignore
        case failIndex
        /// The Job fails; the message says why.
        case failJob(String)
    }

    private let rules: [Value]

    init(_ policy: Value) { rules = policy["rules"].elements }

    func action(for pod: JobPod) -> Action {
        let name = "\(pod.object["metadata"]["namespace"].string ?? "")/\(pod.object["metadata"]["name"].string ?? "")"
        for (index, rule) in rules.enumerated() {
            let action = rule["action"].string ?? ""
            let match: String
            if !rule["onExitCodes"].isNull {
                guard let status = Self.container(of: pod, rule["onExitCodes"]) else { continue }
                let code = status["state"]["terminated"]["exitCode"].int ?? 0
                match = "Container \(status["name"].string ?? "") for pod \(name) failed with exit code \(code)"
            } else {
                guard let type = Self.condition(of: pod, rule["onPodConditions"]) else { continue }
                match = "Pod \(name) has condition \(type)"
            }
            switch action {
            case "Ignore": return .ignore
            case "FailIndex": return .failIndex
            case "FailJob": return .failJob("\(match) matching \(action) rule at index \(index)")
            case "Count": return .count
            default: continue
            }
        }
        return .count
    }

    func counts(_ pod: JobPod) -> Bool { if case .ignore = action(for: pod) { false } else { true } }

    /// The first container that ended with an exit code the rule is about.
    private static func container(of pod: JobPod, _ rule: Value) -> Value? {
        let status = pod.object["status"]
        return (status["containerStatuses"].elements + status["initContainerStatuses"].elements).first { container in
            guard let code = container["state"]["terminated"]["exitCode"].int, code != 0,
                rule["containerName"].isNull || rule["containerName"] == container["name"]
            else { return false }
            let isListed = rule["values"].elements.contains(.int(code))
            switch rule["operator"].string {
            case "In": return isListed
            case "NotIn": return !isListed
            default: return false
            }
        }
    }

    private static func condition(of pod: JobPod, _ patterns: Value) -> String? {
        pod.object["status"]["conditions"].elements.first { condition in
            patterns.elements.contains { $0["type"] == condition["type"] && $0["status"] == condition["status"] }
        }?["type"].string
    }
}
