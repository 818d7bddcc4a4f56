internal import APIModel
internal import PluginAPI

/// One Pod, as a scheduler policy gets to see it.
public struct PodSample: Sendable {
    public var name: String
    /// cpu in thousandths, memory and ephemeral storage in bytes; Pods count 1 and follow by themselves.
    public var requests: [Int64] = [0, 0, 0]
    public var priority: Int32 = 0
    public var nodeName = ""
    public var selector: [String: String] = [:]
    /// One of them must match; `nil` is no constraint.
    public var required: [[Requirement]]?
    public var preferred: [(weight: Int32, requirements: [Requirement])] = []
    public var tolerations: [(key: String, value: String, op: Int32, effect: Int32)] = []
    public var hostPorts: [Int32] = []
    public var labels: [String: String] = [:]
    /// Required terms of podAffinity and podAntiAffinity.
    public var affinity: [Neighbours] = []
    public var antiAffinity: [Neighbours] = []
    /// Constraints that must hold, with a skew of 1.
    public var spread: [Neighbours] = []

    /// Pods with these labels, in the Pod's namespace, by the value that a label of their Nodes has.
    public struct Neighbours: Sendable {
        public var topologyKey: String
        public var labels: [String: String]

        public init(_ topologyKey: String, _ labels: [String: String]) {
            self.topologyKey = topologyKey
            self.labels = labels
        }
    }

    static let image = "apus.local/sample:1"

    public struct Requirement: Sendable {
        public var key: String
        public var op: Int32
        public var values: [String]
        public var isOnName = false

        public init(_ key: String, _ op: Int32, _ values: [String] = [], isOnName: Bool = false) {
            self.key = key
            self.op = op
            self.values = values
            self.isOnName = isOnName
        }
    }

    public init(_ name: String) { self.name = name }

    /// A Pod that asks for nothing at all.
    static let plain = PodSample("plain")

    static func with(_ name: String, _ change: (inout PodSample) -> Void) -> PodSample {
        var pod = PodSample(name)
        change(&pod)
        return pod
    }

    /// One Pod for each thing a Pod can ask for.
    static let all: [PodSample] = [
        plain,
        with("modest") { $0.requests = [100, 64 << 20, 0] },
        with("huge") { $0.requests = [1 << 40, 1 << 60, 1 << 60] },
        with("below-zero") { $0.priority = -1_000_000 },
        with("critical") { $0.priority = 2_000_001_000 },
        with("placed") { $0.nodeName = "node-0" },
        with("placed-nowhere") { $0.nodeName = "no-such-node" },
        with("choosy") { $0.selector = ["disk": "ssd"] },
        with("too-choosy") { $0.selector = ["no-such-label": "x"] },
        with("zoned") {
            $0.required = [
                [Requirement("topology.kubernetes.io/zone", APUS_OPERATOR_IN, ["a", "b"])], [Requirement("disk", APUS_OPERATOR_EXISTS)],
            ]
        },
        with("young") {
            $0.required = [[Requirement("generation", APUS_OPERATOR_GREATER, ["4"]), Requirement("generation", APUS_OPERATOR_LESS, ["9"])]]
        },
        with("elsewhere") {
            $0.required = [
                [
                    Requirement("topology.kubernetes.io/zone", APUS_OPERATOR_NOT_IN, ["a"]),
                    Requirement("disk", APUS_OPERATOR_DOES_NOT_EXIST),
                ]
            ]
        },
        with("named") { $0.required = [[Requirement("metadata.name", APUS_OPERATOR_IN, ["node-1"], isOnName: true)]] },
        with("empty-term") { $0.required = [[]] },
        with("inclined") {
            $0.preferred = [
                (100, [Requirement("topology.kubernetes.io/zone", APUS_OPERATOR_IN, ["c"])]),
                (1, [Requirement("disk", APUS_OPERATOR_EXISTS)]),
            ]
        },
        with("tolerant") {
            $0.tolerations = [("dedicated", "batch", APUS_OPERATOR_EQUAL, 0), ("", "", APUS_OPERATOR_EXISTS, APUS_EFFECT_NO_EXECUTE)]
        },
        with("listening") { $0.hostPorts = [8080] },
        with("sociable") {
            $0.labels = ["app": "web"]
            $0.affinity = [Neighbours("topology.kubernetes.io/zone", ["app": "cache"])]
        },
        with("solitary") {
            $0.labels = ["app": "web"]
            $0.antiAffinity = [Neighbours("kubernetes.io/hostname", ["app": "web"])]
        },
        with("spread") {
            $0.labels = ["app": "web"]
            $0.spread = [Neighbours("topology.kubernetes.io/zone", ["app": "web"])]
        },
    ]
}

extension PodSample {
    /// The Pod as the API serves it.
    var json: Value {
        var object: Value = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default", "uid": .string("uid-" + name)],
            "spec": ["containers": []],
        ]
        var container: Value = ["name": "main", "image": .string(Self.image)]
        for (resource, amount) in zip(["cpu", "memory", "ephemeral-storage"], requests) where amount > 0 {
            container["resources"]["requests"][resource] = .string(resource == "cpu" ? "\(amount)m" : "\(amount)")
        }
        if !hostPorts.isEmpty {
            container["ports"] = .array(
                hostPorts.map { ["containerPort": .int(Int64($0)), "hostPort": .int(Int64($0)), "protocol": "TCP"] })
        }
        object["spec"]["containers"] = [container]
        if priority != 0 { object["spec"]["priority"] = .int(Int64(priority)) }
        if !nodeName.isEmpty { object["spec"]["nodeName"] = .string(nodeName) }
        for (key, value) in selector { object["spec"]["nodeSelector"][key] = .string(value) }
        if let required {
            object["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] = .array(
                required.map(Self.term))
        }
        if !preferred.isEmpty {
            object["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = .array(
                preferred.map { ["weight": .int(Int64($0.weight)), "preference": Self.term($0.requirements)] })
        }
        if !tolerations.isEmpty {
            object["spec"]["tolerations"] = .array(
                tolerations.map {
                    var toleration: Value = ["operator": .string($0.op == APUS_OPERATOR_EXISTS ? "Exists" : "Equal")]
                    if !$0.key.isEmpty { toleration["key"] = .string($0.key) }
                    if !$0.value.isEmpty { toleration["value"] = .string($0.value) }
                    if let effect = Self.effects[$0.effect] { toleration["effect"] = .string(effect) }
                    return toleration
                })
        }
        if !labels.isEmpty { object["metadata"]["labels"] = Value(labels) }
        for (field, terms) in [("podAffinity", affinity), ("podAntiAffinity", antiAffinity)] where !terms.isEmpty {
            object["spec"]["affinity"][field]["requiredDuringSchedulingIgnoredDuringExecution"] = .array(
                terms.map { ["topologyKey": .string($0.topologyKey), "labelSelector": ["matchLabels": Value($0.labels)]] })
        }
        if !spread.isEmpty {
            object["spec"]["topologySpreadConstraints"] = .array(
                spread.map {
                    [
                        "maxSkew": 1, "topologyKey": .string($0.topologyKey), "whenUnsatisfiable": "DoNotSchedule",
                        "labelSelector": ["matchLabels": Value($0.labels)],
                    ]
                })
        }
        return object
    }

    private static func term(_ requirements: [Requirement]) -> Value {
        var term: Value = .emptyObject
        for (field, isOnName) in [("matchExpressions", false), ("matchFields", true)] {
            let found = requirements.filter { $0.isOnName == isOnName }
            guard !found.isEmpty else { continue }
            term[field] = .array(
                found.map {
                    var expression: Value = ["key": .string($0.key), "operator": .string(operators[$0.op] ?? "")]
                    if !$0.values.isEmpty { expression["values"] = .array($0.values.map { .string($0) }) }
                    return expression
                })
        }
        return term
    }

    private static let operators: [Int32: String] = [
        APUS_OPERATOR_IN: "In", APUS_OPERATOR_NOT_IN: "NotIn", APUS_OPERATOR_EXISTS: "Exists", APUS_OPERATOR_DOES_NOT_EXIST: "DoesNotExist",
        APUS_OPERATOR_GREATER: "Gt", APUS_OPERATOR_LESS: "Lt",
    ]
    private static let effects: [Int32: String] = [
        APUS_EFFECT_NO_SCHEDULE: "NoSchedule", APUS_EFFECT_PREFER_NO_SCHEDULE: "PreferNoSchedule", APUS_EFFECT_NO_EXECUTE: "NoExecute",
    ]
}
