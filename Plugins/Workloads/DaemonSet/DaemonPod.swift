internal import APIModel
internal import PluginKit

/// A DaemonSet's Pod: bound to one Node by affinity to its name, and patient with what happens to Nodes.
enum DaemonPod {
    private static let generationLabel = "pod-template-generation"
    private static let generation = "deprecated.daemonset.template.generation"
    private static let nameField = "metadata.name"

    /// Taints that a daemon stays through, as it is what watches over the Node.
    private static let tolerated: [(key: String, effect: String)] = [
        ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"), ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
    ]

    /// The template's spec with what every daemon tolerates. A toleration of the same key and effect is replaced.
    static func spec(of daemonSet: Value) -> Value {
        var spec = daemonSet["spec"]["template"]["spec"]
        let taints = tolerated + (spec["hostNetwork"].bool == true ? [("network-unavailable", "NoSchedule")] : [])
        for taint in taints {
            let key = Value.string("node.kubernetes.io/\(taint.key)")
            let others = spec["tolerations"].elements.filter { $0["key"] != key || $0["effect"].string != taint.effect }
            spec["tolerations"] = .array(others + [["key": key, "operator": "Exists", "effect": .string(taint.effect)]])
        }
        return spec
    }

    /// The Pod for a Node.
    static func made(for daemonSet: Value, hash: String, node: String) -> Value {
        var template = daemonSet["spec"]["template"]
        template["spec"] = spec(of: daemonSet)
        template["metadata"]["labels"][RevisionHistory.label] = .string(hash)
        if let generation = daemonSet["metadata"]["annotations"][Self.generation].string.flatMap({ Whole($0) }) {
            template["metadata"]["labels"][generationLabel] = .string(String(generation))
        }
        template["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = [
            "nodeSelectorTerms": [["matchFields": [["key": .string(nameField), "operator": "In", "values": [.string(node)]]]]]
        ]
        return PodTemplate.pod(template, for: daemonSet)
    }

    /// The Node it runs on, or is waiting for.
    static func node(of pod: Value) -> String? {
        if let name = pod["spec"]["nodeName"].string, !name.isEmpty { return name }
        let required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        let field = required["nodeSelectorTerms"].elements.flatMap { $0["matchFields"].elements }.first {
            $0["key"].string == nameField && $0["operator"].string == "In"
        }
        guard let names = field?["values"].elements, names.count == 1 else { return nil }
        return names[0].string
    }

    static func isUpdated(_ pod: Value, hash: String, of daemonSet: Value) -> Bool {
        let labels = pod["metadata"]["labels"]
        if labels[RevisionHistory.label].string == hash { return true }
        let generation = daemonSet["metadata"]["annotations"][Self.generation].string.flatMap { Whole($0) }
        return generation.map { labels[generationLabel].string == String($0) } ?? false
    }

    /// Whether a Node should get a daemon, and whether one that is there may stay.
    static func fits(_ daemonSet: Value, _ spec: Value, node: Value) -> (shouldRun: Bool, mayStay: Bool) {
        let wanted = spec["nodeName"].string ?? ""
        guard wanted.isEmpty || wanted == node["metadata"]["name"].string, NodeFit.matches(spec, node: node) else { return (false, false) }
        if NodeFit.tolerates(spec, node: node, effects: ["NoSchedule", "NoExecute"]) { return (true, true) }
        return (false, NodeFit.tolerates(spec, node: node, effects: ["NoExecute"]))
    }
}
