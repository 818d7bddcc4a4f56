import APIModel

/// A pod as the API has it, with names for what the kubelet reads most.
struct Pod: Sendable {
    let object: Object
    private(set) var value: Value
    let name: String
    let namespace: String
    let uid: String

    init(_ object: Object) {
        self.object = object
        self.value = object.value
        let metadata = value["metadata"]
        name = metadata["name"].string ?? ""
        namespace = metadata["namespace"].string ?? ""
        uid = metadata["uid"].string ?? ""
    }

    var metadata: Value { value["metadata"] }
    var spec: Value { value["spec"] }
    var status: Value { value["status"] }
    var labels: [String: String] { metadata["labels"].strings }
    var annotations: [String: String] { metadata["annotations"].strings }
    var generation: Whole { metadata["generation"].int ?? 0 }

    var containers: [Value] { spec["containers"].elements }
    var initContainers: [Value] { spec["initContainers"].elements }
    var ephemeralContainers: [Value] { spec["ephemeralContainers"].elements }
    var allContainers: [Value] { initContainers + containers + ephemeralContainers }
    var volumes: [Value] { spec["volumes"].elements }
    var usesHostNetwork: Bool { spec["hostNetwork"].bool ?? false }
    var restartPolicy: String { spec["restartPolicy"].string ?? "Always" }
    var phase: String { status["phase"].string ?? "Pending" }
    var isTerminal: Bool { phase == "Succeeded" || phase == "Failed" }
    var isBeingDeleted: Bool { !metadata["deletionTimestamp"].isNull }
    /// A static pod that another process runs; the API shows it only.
    var isMirror: Bool { annotations["kubernetes.io/config.mirror"] != nil }

    /// Whether it is the kubelet's own, read from a file.
    var isStatic: Bool { annotations["kubernetes.io/config.source"].map { $0 != "api" } ?? false }
    /// Whether the cluster cannot do without it.
    var isCritical: Bool { isStatic || isMirror || spec["priority"].int ?? 0 >= 2_000_000_000 }
    /// Whether a kubelet has taken it: one says since when.
    var wasAdmitted: Bool { !status["startTime"].isNull }

    /// The pod as one that is to end, in its own time.
    var deleted: Pod {
        var value = value
        value["metadata"]["deletionTimestamp"] = .string(Timestamp.now())
        value["metadata"]["deletionGracePeriodSeconds"] = .int(gracePeriod)
        return Pod(Object(value))
    }

    /// How long its containers get to stop.
    var gracePeriod: Whole { metadata["deletionGracePeriodSeconds"].seconds ?? spec["terminationGracePeriodSeconds"].seconds ?? 30 }

    /// The pod in messages: `web-1_default(3b9c…)`.
    var description: String { "\(name)_\(namespace)(\(uid))" }

    var hasHostPorts: Bool { containers.contains { $0["ports"].elements.contains { ($0["hostPort"].int ?? 0) > 0 } } }

    /// Stands for the pod as a whole where resources are kept by the names of containers, none of which is empty.
    static let whole = ""

    /// What the pod and its containers ask for, which may change while they run, by name.
    var resizable: [String: Value] {
        Dictionary((containers + initContainers).map { ($0.name, $0["resources"]) } + [(Self.whole, spec["resources"])]) { $1 }
    }

    /// The pod with other resources for some of its containers or for itself, by name.
    func with(resources: [String: Value]) -> Pod {
        var copy = self
        if let given = resources[Self.whole] { copy.value["spec"]["resources"] = given }
        for field in ["containers", "initContainers"] {
            for (index, container) in spec[field].elements.enumerated() {
                guard let given = resources[container.name], given != container["resources"] else { continue }
                copy.value["spec"][field][index]["resources"] = given
            }
        }
        return copy
    }

    func container(_ name: String) -> Value? { allContainers.first { $0.name == name } }
    func isInit(_ name: String) -> Bool { initContainers.contains { $0.name == name } }
}

extension Value {
    /// The `name` field, which containers, volumes and mounts have.
    var name: String { self["name"].string ?? "" }

    /// Whether this init container keeps running beside the others.
    var isSidecar: Bool { self["restartPolicy"].string == "Always" }
}
