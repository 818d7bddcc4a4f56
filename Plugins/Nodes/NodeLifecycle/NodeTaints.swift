internal import APIModel
internal import PluginKit

/// The taints that follow from a Node's conditions and from `spec.unschedulable`.
enum NodeTaints {
    private static let conditionTaints: [(condition: String, state: String, key: String)] = [
        ("Ready", "False", "node.kubernetes.io/not-ready"), ("Ready", "Unknown", "node.kubernetes.io/unreachable"),
        ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"), ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
        ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ]
    /// Those that also evict what runs there already.
    private static let evicting: Set<String> = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    private static let unschedulable = "node.kubernetes.io/unschedulable"

    /// Brings the Node's taints in line and returns the Node as it is then. Taints of others stay.
    static func sync(_ node: Value, _ objects: Objects) throws -> Value {
        let conditions = node["status"]["conditions"].elements
        // Of a Node that never said anything nothing is known yet.
        guard conditions.contains(where: { $0["type"].string == "Ready" }) else { return node }
        let keys = conditionTaints.filter { taint in
            conditions.contains { $0["type"].string == taint.condition && $0["status"].string == taint.state }
        }.map(\.key)
        let managed = Set(conditionTaints.map(\.key) + [unschedulable])
        let old = node["spec"]["taints"].elements
        func existing(_ key: String, _ effect: String) -> Value? { old.first { $0["key"].string == key && $0["effect"].string == effect } }

        var taints = old.filter { !managed.contains($0["key"].string ?? "") }
        for key in keys {
            taints.append(existing(key, "NoSchedule") ?? ["key": .string(key), "effect": "NoSchedule"])
            if evicting.contains(key) {
                taints.append(
                    existing(key, "NoExecute") ?? ["key": .string(key), "effect": "NoExecute", "timeAdded": .string(Timestamp.now())])
            }
        }
        if node["spec"]["unschedulable"].bool == true {
            taints.append(
                existing(unschedulable, "NoSchedule") ?? [
                    "key": .string(unschedulable), "effect": "NoSchedule", "timeAdded": .string(Timestamp.now()),
                ])
        }
        guard Set(taints) != Set(old) else { return node }
        var changed = node
        changed["spec"]["taints"] = taints.isEmpty ? .null : .array(taints)
        return try objects.update(.nodes, changed)
    }
}
