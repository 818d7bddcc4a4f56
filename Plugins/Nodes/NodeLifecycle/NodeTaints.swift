internal import APIModel

/// The taints that follow from a Node's conditions and from `spec.unschedulable`.
enum NodeTaints {
    /// What becomes of the taints that let Pods go because the Node is not ready.
    enum Eviction: Equatable { case leave, remove, add }

    private static let ofConditions: [(condition: String, state: String, key: String)] = [
        ("Ready", "False", "node.kubernetes.io/not-ready"), ("Ready", "Unknown", "node.kubernetes.io/unreachable"),
        ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"), ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
        ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ]
    private static let unschedulable = "node.kubernetes.io/unschedulable"
    private static let managed = Set(ofConditions.map(\.key) + [unschedulable])
    private static let evicting: Set<String> = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]

    /// Whether Pods go from the Node because it is not ready.
    static func isEvicting(_ node: Value) -> Bool {
        node["spec"]["taints"].elements.contains { isNoExecute($0) && evicting.contains($0["key"].string ?? "") }
    }

    /// The taints as they should be, those of others among them; `nil` where they are so already.
    /// - Parameter now: for taints that are new.
    static func change(of node: Value, _ eviction: Eviction, now: String) -> [Value]? {
        let conditions = node["status"]["conditions"].elements
        // Of a Node that never said anything nothing is known yet.
        guard conditions.contains(where: { $0["type"].string == "Ready" }) else { return nil }
        let keys = ofConditions.filter { taint in
            conditions.contains { $0["type"].string == taint.condition && $0["status"].string == taint.state }
        }.map(\.key)
        let old = node["spec"]["taints"].elements
        func taint(_ key: String, _ effect: String) -> Value {
            old.first { $0["key"].string == key && $0["effect"].string == effect }
                ?? ["key": .string(key), "effect": .string(effect), "timeAdded": .string(now)]
        }
        var taints = old.filter { taint in
            let key = taint["key"].string ?? ""
            if taint["effect"].string == "NoSchedule" { return !managed.contains(key) }
            return eviction == .leave || !isNoExecute(taint) || !evicting.contains(key)
        }
        taints += keys.map { taint($0, "NoSchedule") }
        if node["spec"]["unschedulable"].bool == true { taints.append(taint(unschedulable, "NoSchedule")) }
        if eviction == .add { taints += keys.filter(evicting.contains).map { taint($0, "NoExecute") } }
        return Set(taints) == Set(old) ? nil : taints
    }

    private static func isNoExecute(_ taint: Value) -> Bool { taint["effect"].string == "NoExecute" }
}
