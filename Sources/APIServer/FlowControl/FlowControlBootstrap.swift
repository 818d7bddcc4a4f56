import APIModel

/// The flows and priority levels that a cluster starts with, as upstream has them.
enum FlowControlBootstrap {
    /// Those without which requests have nowhere to go: they come back when they are taken away.
    static let mandatory: [Value] =
        [
            level("exempt", ["type": "Exempt", "exempt": ["nominalConcurrencyShares": 0, "lendablePercent": 0]]),
            limited("catch-all", shares: 5, lendable: 0, queues: nil),
        ] + [
            schema("exempt", 1, "exempt", nil, groups("system:masters"), everything),
            schema("catch-all", 10_000, "catch-all", "ByUser", anybody, everything),
        ]

    /// Those that a cluster does well with, which its administrators may change or take away.
    static let suggested: [Value] =
        [
            limited("system", shares: 30, lendable: 33, queues: (64, 6)), limited("node-high", shares: 40, lendable: 25, queues: (64, 6)),
            limited("leader-election", shares: 10, lendable: 0, queues: (16, 4)),
            limited("workload-high", shares: 40, lendable: 50, queues: (128, 6)),
            limited("workload-low", shares: 100, lendable: 90, queues: (128, 6)),
            limited("global-default", shares: 20, lendable: 50, queues: (128, 6)),
        ] + [
            schema(
                "probes", 2, "exempt", nil, anybody,
                ["nonResourceRules": [["verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]]]]),
            schema(
                "system-leader-election", 100, "leader-election", "ByUser",
                users("system:kube-controller-manager", "system:kube-scheduler") + kubeSystem,
                ["resourceRules": [rule(["get", "create", "update"], "coordination.k8s.io", ["leases"], isOfCluster: false)]]),
            schema(
                "system-node-high", 400, "node-high", "ByUser", groups("system:nodes"),
                [
                    "resourceRules": [
                        rule(["*"], "", ["nodes", "nodes/status"], isOfCluster: true),
                        rule(["*"], "coordination.k8s.io", ["leases"], isOfCluster: false),
                    ]
                ]),
            schema("system-nodes", 500, "system", "ByUser", groups("system:nodes"), everything),
            schema(
                "kube-controller-manager", 800, "workload-high", "ByNamespace", users("system:kube-controller-manager"), everything),
            schema("kube-scheduler", 800, "workload-high", "ByNamespace", users("system:kube-scheduler"), everything),
            schema("kube-system-service-accounts", 900, "workload-high", "ByNamespace", kubeSystem, everything),
            schema("service-accounts", 9000, "workload-low", "ByUser", groups("system:serviceaccounts"), everything),
            schema("global-default", 9900, "global-default", "ByUser", anybody, everything),
        ]

    /// What says that the specification is this server's to bring up to date.
    static let autoupdate = "apf.kubernetes.io/autoupdate-spec"

    private static let anybody = groups("system:unauthenticated", "system:authenticated")
    private static let kubeSystem: [Value] = [
        ["kind": "ServiceAccount", "serviceAccount": ["name": "*", "namespace": "kube-system"]]
    ]
    private static let everything: Value = [
        "resourceRules": [rule(["*"], "*", ["*"], isOfCluster: true)],
        "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]],
    ]

    private static func groups(_ names: String...) -> [Value] { names.map { ["kind": "Group", "group": ["name": .string($0)]] } }
    private static func users(_ names: String...) -> [Value] { names.map { ["kind": "User", "user": ["name": .string($0)]] } }

    private static func rule(_ verbs: [String], _ group: String, _ resources: [String], isOfCluster: Bool) -> Value {
        [
            "verbs": Value(verbs), "apiGroups": [.string(group)], "resources": Value(resources),
            "clusterScope": isOfCluster ? true : .null, "namespaces": ["*"],
        ]
    }

    private static func object(_ kind: String, _ name: String, _ spec: Value) -> Value {
        [
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": .string(kind),
            "metadata": ["name": .string(name), "annotations": [autoupdate: "true"]], "spec": spec,
        ]
    }

    private static func level(_ name: String, _ spec: Value) -> Value { object("PriorityLevelConfiguration", name, spec) }

    /// - Parameter queues: how many, and how many of them a flow is dealt; without, what is too much is refused at once.
    private static func limited(_ name: String, shares: Int64, lendable: Int64, queues: (count: Int64, hand: Int64)?) -> Value {
        var response: Value = ["type": queues == nil ? "Reject" : "Queue"]
        if let queues {
            response["queuing"] = ["queues": .int(queues.count), "handSize": .int(queues.hand), "queueLengthLimit": 50]
        }
        return level(
            name,
            [
                "type": "Limited",
                "limited": ["nominalConcurrencyShares": .int(shares), "lendablePercent": .int(lendable), "limitResponse": response],
            ])
    }

    private static func schema(
        _ name: String, _ precedence: Int64, _ level: String, _ distinguisher: String?, _ subjects: [Value], _ rules: Value
    ) -> Value {
        var rule = rules
        rule["subjects"] = .array(subjects)
        return object(
            "FlowSchema", name,
            [
                "priorityLevelConfiguration": ["name": .string(level)], "matchingPrecedence": .int(precedence),
                "distinguisherMethod": distinguisher.map { ["type": .string($0)] } ?? .null, "rules": [rule],
            ])
    }
}
