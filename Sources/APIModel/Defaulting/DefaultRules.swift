/// The defaults that depend on other fields. Each rule sees one object of its type, after the table and before the objects inside it have
/// had theirs.
enum DefaultRules {
    typealias Rule = @Sendable (inout Value) -> Void

    static let rules: [String: Rule] = {
        var rules: [String: Rule] = [:]
        for (name, rule) in core.merging(workloads, uniquingKeysWith: { $1 }).merging(others, uniquingKeysWith: { $1 }) {
            rules[name.hasPrefix("io.") ? name : "io.k8s.api." + name] = rule
        }
        return rules
    }()

    /// Rules that need the objects inside to have their defaults.
    static let afterwards: [String: Rule] = [
        "io.k8s.api.core.v1.ReplicationController": { labelsFromTemplate(&$0, selector: true) },
        "io.k8s.api.batch.v1.Job": { if $0["metadata"]["labels"].isEmpty { labelsFromTemplate(&$0, selector: false) } },
    ]

    private static func labelsFromTemplate(_ object: inout Value, selector: Bool) {
        let labels = object["spec"]["template"]["metadata"]["labels"]
        guard !labels.isEmpty else { return }
        if object["metadata"]["labels"].isEmpty { object["metadata"]["labels"] = labels }
        if selector, object["spec"]["selector"].isEmpty { object["spec"]["selector"] = labels }
    }

    private static let others: [String: Rule] = [
        "networking.v1.NetworkPolicySpec": { spec in
            if spec["policyTypes"].isEmpty { spec["policyTypes"] = spec["egress"].isEmpty ? ["Ingress"] : ["Ingress", "Egress"] }
        },
        "rbac.v1.Subject": { subject in
            if subject["apiGroup"].isEmpty, ["User", "Group"].contains(subject["kind"].string) {
                subject["apiGroup"] = "rbac.authorization.k8s.io"
            }
        },
        "autoscaling.v2.HorizontalPodAutoscalerSpec": { spec in
            if spec["metrics"].isEmpty {
                spec["metrics"] = [
                    ["type": "Resource", "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]]]
                ]
            }
            guard !spec["behavior"].isNull else { return }
            scalingRules(
                &spec["behavior"]["scaleUp"], window: 0,
                policies: [["type": "Pods", "value": 4, "periodSeconds": 15], ["type": "Percent", "value": 100, "periodSeconds": 15]])
            scalingRules(&spec["behavior"]["scaleDown"], window: nil, policies: [["type": "Percent", "value": 100, "periodSeconds": 15]])
        },
        "flowcontrol.v1.LimitResponse": { response in
            if response["type"].string == "Queue", response["queuing"].isNull { response["queuing"] = .emptyObject }
        },
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec": { spec in
            guard let kind = spec["names"]["kind"].string else { return }
            if spec["names"]["singular"].isEmpty { spec["names"]["singular"] = .string(kind.lowercased()) }
            if spec["names"]["listKind"].isEmpty { spec["names"]["listKind"] = .string(kind + "List") }
        },
        "resource.v1.ExactDeviceRequest": exactCount, "resource.v1.DeviceSubRequest": exactCount,
        "resource.v1beta2.ExactDeviceRequest": exactCount,
        "resource.v1beta2.DeviceSubRequest": exactCount, "resource.v1beta1.DeviceSubRequest": exactCount,
        "resource.v1beta1.DeviceRequest": { request in
            guard !request["deviceClassName"].isEmpty else { return }
            if request["allocationMode"].isEmpty { request["allocationMode"] = "ExactCount" }
            exactCount(&request)
        },
        "resource.v1.DeviceTaint": sinceNow, "resource.v1beta2.DeviceTaint": sinceNow, "resource.v1beta1.DeviceTaint": sinceNow,
    ]

    private static let sinceNow: Rule = { taint in
        if taint["timeAdded"].isNull { taint["timeAdded"] = .string(Timestamp.now()) }
    }

    private static let exactCount: Rule = { request in
        if request["allocationMode"].string == "ExactCount", request["count"].isEmpty { request["count"] = 1 }
    }

    private static func scalingRules(_ rules: inout Value, window: Int64?, policies: [Value]) {
        if rules["selectPolicy"].isEmpty { rules["selectPolicy"] = "Max" }
        if rules["policies"].isNull { rules["policies"] = .array(policies) }
        if let window, rules["stabilizationWindowSeconds"].isNull { rules["stabilizationWindowSeconds"] = .int(window) }
    }
}
