import APIModel
import Client
import PluginHost
import Testing

/// What nobody should ask for and somebody does: it is said why it cannot be, what can be is done, and nobody goes round in circles.
@Suite(.serialized) struct BadInputTests {
    private static let most = Value(Int(Int32.max))
    private static let controllers: Set = [
        "deployment", "replicaset", "replicationcontroller", "statefulset", "daemonset", "job", "ttl-after-finished", "disruption",
        "resourcequota", "node-lifecycle",
    ]

    private func create(_ cluster: Cluster, _ resource: GroupVersionResource, in namespace: String = "default", _ object: Value)
        async throws
    {
        _ = try await cluster.client.create(resource, namespace: namespace, object)
    }

    private func replicationController(_ name: String, _ replicas: Value) -> Value {
        [
            "apiVersion": "v1", "kind": "ReplicationController", "metadata": ["name": .string(name)],
            "spec": ["replicas": replicas, "template": template(app: name)],
        ]
    }

    private func isRefused(_ object: Value?, _ words: String) -> Bool {
        let failure = condition(object ?? .null, "ReplicaFailure")
        return failure["reason"] == "FailedCreate" && failure["message"].string?.contains(words) == true
    }

    private func warned(_ cluster: Cluster, _ kind: String, in namespace: String, _ words: String) async throws {
        try await cluster.wait(for: .events, in: namespace, "\(kind)'s Event with \(words)") { events in
            events.contains { event in
                event.value["involvedObject"]["kind"].string == kind && event.value["reason"] == "FailedCreate"
                    && event.value["message"].string?.contains(words) == true
            }
        }
    }

    /// How often all controllers together looked at anything.
    private func looks(_ cluster: Cluster) -> UInt64 {
        cluster.plugins.plugins.flatMap(\.slots).filter { $0.name == "reconcile" }.reduce(0) { $0 + $1.calls }
    }

    /// Counts as large as they go, under a quota that has no room for them; and templates that a policy lets nobody make.
    @Test func whatIsRefusedIsSaidAndTriedLessAndLessOften() async throws {
        try await Cluster.with(Cluster.Setup(only: Self.controllers)) { cluster in
            let client = cluster.client
            let quotas = GroupVersionResource(group: "", version: "v1", resource: "resourcequotas")
            try await create(
                cluster, quotas, ["apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "q"], "spec": ["hard": ["pods": "5"]]])
            try await cluster.wait(for: quotas, in: "default", "q", "counted") { $0?["status"]["used"]["pods"] == "0" }
            func admission(_ resource: String) -> GroupVersionResource {
                GroupVersionResource(group: "admissionregistration.k8s.io", version: "v1", resource: resource)
            }
            _ = try await client.create(
                admission("validatingadmissionpolicies"),
                [
                    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": ["name": "none"],
                    "spec": [
                        "matchConstraints": [
                            "resourceRules": [["apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]]]
                        ],
                        "validations": [["expression": "object.metadata.namespace != 'strict'", "message": "no Pods in here"]],
                    ],
                ])
            _ = try await client.create(
                admission("validatingadmissionpolicybindings"),
                [
                    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                    "metadata": ["name": "none"], "spec": ["policyName": "none", "validationActions": ["Deny"]],
                ])
            _ = try await client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "strict"]])
            try await cluster.wait(for: .serviceAccounts, in: "strict", "a ServiceAccount") { !$0.isEmpty }

            var set = replicaSet("set", replicas: 1)
            set["spec"]["replicas"] = Self.most
            set["spec"]["minReadySeconds"] = Self.most
            let large: [String: Value] = [
                "replicas": Self.most, "revisionHistoryLimit": Self.most, "progressDeadlineSeconds": Self.most,
                "minReadySeconds": .int(Whole(Int32.max) - 1), "strategy": rolling(surge: "100%", unavailable: Self.most),
            ]
            let endless: [String: Value] = [
                "parallelism": Self.most, "completions": Self.most, "backoffLimit": Self.most, "ttlSecondsAfterFinished": Self.most,
                "activeDeadlineSeconds": Self.most,
            ]
            let ordinals: [String: Value] = [
                "replicas": Self.most, "podManagementPolicy": "Parallel", "ordinals": ["start": Self.most],
                "minReadySeconds": Self.most,
            ]
            for namespace in ["default", "strict"] {
                try await create(cluster, .replicaSets, in: namespace, set)
                try await create(cluster, .deployments, in: namespace, deployment("web", replicas: 1, large))
                try await create(cluster, .replicationControllers, in: namespace, replicationController("old", Self.most))
                try await create(cluster, .statefulSets, in: namespace, statefulSet("db", replicas: 1, ordinals))
                try await create(cluster, .jobs, in: namespace, job("pi", hollow: "unready", endless))
            }
            try await create(cluster, .daemonSets, in: "strict", daemonSet("log"))
            try await create(
                cluster, .budgets,
                [
                    "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "all"],
                    "spec": ["minAvailable": Self.most, "selector": ["matchLabels": ["app": "set"]]],
                ])

            for (namespace, words) in [("default", "exceeded quota: q"), ("strict", "no Pods in here")] {
                for (resource, name) in [
                    (GroupVersionResource.replicaSets, "set"), (.deployments, "web"), (.replicationControllers, "old"),
                ] {
                    try await cluster.wait(for: resource, in: namespace, name, "a failure: \(words)") { isRefused($0, words) }
                }
                for kind in ["StatefulSet", "Job"] { try await warned(cluster, kind, in: namespace, words) }
            }
            try await warned(cluster, "DaemonSet", in: "strict", "no Pods in here")
            let pods = try await cluster.wait(for: .pods, in: "default", "as many Pods as there may be") { $0.count == 5 }
            #expect(pods.allSatisfy { !$0.controllerReference.isNull })
            #expect(try await client.list(.pods, namespace: "strict").items.isEmpty)
            try await cluster.wait(for: .budgets, in: "default", "all", "a count") { $0?["status"]["desiredHealthy"] == Self.most }

            let before = looks(cluster)
            // Time is what is measured here: eleven objects, whose next tries are farther and farther apart.
            try await Task.sleep(for: .seconds(2))
            #expect(looks(cluster) - before < 150)
        }
    }

    /// Whoever has Pods keeps them, whatever others' selectors say.
    @Test func nobodyTakesWhatOthersHave() async throws {
        try await Cluster.with(Cluster.Setup(only: Self.controllers)) { cluster in
            func same(_ object: Value, _ kind: String) -> Value {
                var object = object
                if kind != "ReplicationController" { object["spec"]["selector"] = ["matchLabels": ["app": "same"]] }
                object["spec"]["template"]["metadata"]["labels"]["app"] = "same"
                return object
            }
            try await create(cluster, .replicaSets, same(replicaSet("one", replicas: 2), "ReplicaSet"))
            try await create(cluster, .replicaSets, same(replicaSet("two", replicas: 1), "ReplicaSet"))
            try await create(cluster, .deployments, same(deployment("web", replicas: 2), "Deployment"))
            try await create(cluster, .statefulSets, same(statefulSet("db", replicas: 1), "StatefulSet"))
            try await create(cluster, .daemonSets, same(daemonSet("log"), "DaemonSet"))
            try await create(cluster, .replicationControllers, same(replicationController("old", 1), "ReplicationController"))
            let counts: [(GroupVersionResource, String, String, Whole)] = [
                (.replicaSets, "one", "readyReplicas", 2), (.replicaSets, "two", "readyReplicas", 1),
                (.deployments, "web", "readyReplicas", 2), (.statefulSets, "db", "readyReplicas", 1),
                (.daemonSets, "log", "numberReady", 1),
                (.replicationControllers, "old", "readyReplicas", 1),
            ]
            for (resource, name, field, count) in counts {
                try await cluster.wait(for: resource, in: "default", name, "\(count) ready") { $0?["status"][field].int == count }
            }
            try await cluster.waitUntilQuiet()
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            #expect(pods.count == 8 && pods.allSatisfy { !$0.isBeingDeleted })
            // Two who both control one object are refused.
            let rivals = try await cluster.client.list(.replicaSets, namespace: "default").items.prefix(2).map { set in
                var reference = owner(set)
                reference["controller"] = true
                return reference
            }
            let refusal = await #expect(throws: APIError.self) {
                try await cluster.merge(.pods, pods[0].name, ["metadata": ["ownerReferences": .array(Array(rivals))]])
            }
            #expect(refusal?.message.contains("Only one reference can have Controller set to true") == true)
        }
    }

    /// Pods of nobody in `owners`, nor of a ReplicaSet of theirs.
    private static func strangers(among pods: [Object], of owners: [String], and sets: [Object]) -> [String] {
        func owner(_ object: Object) -> String { object.controllerReference["uid"].string ?? "" }
        let all = Set(owners).union(sets.filter { owners.contains(owner($0)) }.map(\.uid))
        return pods.filter { !all.contains(owner($0)) }.map(\.name)
    }

    /// Deleted and made again before a controller has seen either.
    @Test func aNewOneOfTheSameNameIsAnother() async throws {
        let controllers: Set = ["replicaset", "statefulset", "daemonset", "deployment", "job", "garbage-collector"]
        let setup = Cluster.Setup(only: controllers, cacheDelay: .seconds(1))
        try await Cluster.with(setup) { cluster in
            // A new Node has this until the controller of nodes, who is not here, has seen it ready; a daemon waits for that.
            try await cluster.merge(.nodes, in: nil, "n1", ["spec": ["taints": []]])
            let objects: [(resource: GroupVersionResource, object: Value)] = [
                (.replicaSets, replicaSet("web", replicas: 2)), (.statefulSets, statefulSet("db", replicas: 2)),
                (.jobs, job("pi", ["parallelism": 2, "completions": 2])), (.daemonSets, daemonSet("log")),
                (.deployments, deployment("shop", replicas: 2)),
            ]
            for (resource, object) in objects { try await create(cluster, resource, object) }
            let old = try await cluster.wait(for: .pods, in: "default", "9 ready") { $0.count { isReady($0.value) } == 9 }
            var made: [String] = []
            for (resource, object) in objects {
                try await cluster.delete(resource, object["metadata"]["name"].string ?? "", "Background")
                made.append(try await cluster.client.create(resource, namespace: "default", object).uid)
            }
            let uids = Set(old.map(\.uid))
            try await cluster.wait(for: .pods, in: "default", "9 others", seconds: 60) { pods in
                pods.count == 9 && pods.allSatisfy { !uids.contains($0.uid) && isReady($0.value) }
            }
            try await cluster.waitUntilQuiet()
            let settled = try await cluster.client.list(.pods, namespace: "default").items
            #expect(settled.allSatisfy { !$0.isBeingDeleted } && settled.count == 9)
            let sets = try await cluster.client.list(.replicaSets, namespace: "default").items
            #expect(Self.strangers(among: settled, of: made, and: sets).isEmpty)
            #expect(Set(settled.filter { $0.labels["app"] == "db" }.map(\.name)) == ["db-0", "db-1"])
        }
    }
}
