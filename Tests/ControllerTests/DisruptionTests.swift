import APIModel
import Client
import Testing

@Suite(.serialized) struct DisruptionTests {
    private func budget(_ name: String, _ spec: [String: Value]) -> Value {
        var budget: Value = ["apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": .string(name)]]
        budget["spec"]["selector"] = ["matchLabels": ["app": "web"]]
        for (field, value) in spec { budget["spec"][field] = value }
        return budget
    }

    private func evict(_ cluster: Cluster, _ pod: String) async throws {
        let eviction: Value = ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": .string(pod), "namespace": "default"]]
        _ = try await cluster.client.create(.pods, namespace: "default", name: pod, subresource: "eviction", eviction)
    }

    @Test func aBudgetLetsSoManyGo() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.budgets, namespace: "default", budget("b", ["maxUnavailable": "30%"]))
            let empty = try await cluster.wait(for: .budgets, "b", "a look") { $0?["status"]["observedGeneration"] == 1 }
            #expect(empty["status"]["disruptionsAllowed"] == 0)
            #expect(condition(empty, "DisruptionAllowed")["reason"] == "InsufficientPods")
            _ = try await cluster.client.create(.deployments, namespace: "default", deployment("web", replicas: 3))
            let full = try await cluster.wait(for: .budgets, "b", "3 healthy") { $0?["status"]["currentHealthy"] == 3 }
            #expect(
                full["status"]["expectedPods"] == 3 && full["status"]["desiredHealthy"] == 2 && full["status"]["disruptionsAllowed"] == 1)
            #expect(condition(full, "DisruptionAllowed")["reason"] == "SufficientPods")

            // The Deployment makes no new Pod that could be ready: one may go, the next may not.
            try await cluster.merge(.deployments, "web", ["spec": ["paused": true]])
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            for pod in pods { try await cluster.merge(.pods, pod.name, ["metadata": ["labels": ["hollow": "lingering"]]]) }
            try await evict(cluster, pods[0].name)
            let evicted = try await cluster.client.get(.pods, namespace: "default", name: pods[0].name)
            #expect(condition(evicted.value, "DisruptionTarget")["reason"] == "EvictionByEvictionAPI")
            let refusal = await #expect(throws: APIError.self) { try await evict(cluster, pods[1].name) }
            #expect(refusal?.code == 429 && refusal?.details["causes"][0]["reason"] == "DisruptionBudget")
        }
    }

    @Test func countsPodsWithoutAController() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.budgets, namespace: "default", budget("b", ["minAvailable": 1]))
            _ = try await cluster.client.create(.budgets, namespace: "default", budget("share", ["minAvailable": "50%"]))
            for name in ["p1", "p2"] { _ = try await cluster.client.create(.pods, namespace: "default", pod(name, app: "web")) }
            let status = try await cluster.wait(for: .budgets, "b", "2 healthy") { $0?["status"]["currentHealthy"] == 2 }["status"]
            #expect(status["expectedPods"] == 2 && status["desiredHealthy"] == 1 && status["disruptionsAllowed"] == 1)
            try await cluster.wait(for: .events, in: "default", "a warning") { $0.contains { $0.value["reason"] == "UnmanagedPods" } }
            // One that says for two minutes that it is about to go, and does not, takes that back.
            let stale: Value = [
                "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
                "lastTransitionTime": .string(Timestamp.format(seconds: Timestamp.nowSeconds() - 180)),
            ]
            _ = try await cluster.client.patch(
                .pods, namespace: "default", name: "p2", subresource: "status", .strategicMerge, ["status": ["conditions": [stale]]])
            try await cluster.wait(for: .pods, in: "default", "p2", "the word taken back") {
                condition($0 ?? .null, "DisruptionTarget")["status"] == "False"
            }
            // A Pod whose controller nobody knows: nothing can be said, so nothing may go.
            try await cluster.delete(.budgets, "b")
            try await cluster.merge(
                .pods, "p1",
                [
                    "metadata": [
                        "ownerReferences": [
                            [
                                "apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u", "controller": true,
                                "blockOwnerDeletion": false,
                            ]
                        ]
                    ]
                ])
            let failed = try await cluster.wait(for: .budgets, "share", "a failure") {
                condition($0 ?? .null, "DisruptionAllowed")["reason"] == "SyncFailed"
            }
            #expect(condition(failed, "DisruptionAllowed")["message"] == "jobs.batch does not implement the scale subresource")
        }
    }

    @Test func aReplicationControllerKeepsItsPods() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(
                .replicationControllers, namespace: "default",
                [
                    "apiVersion": "v1", "kind": "ReplicationController", "metadata": ["name": "old"],
                    "spec": ["replicas": 2, "template": template(app: "old")],
                ])
            let ready = try await cluster.wait(for: .replicationControllers, "old", "2 ready") { $0?["status"]["availableReplicas"] == 2 }
            #expect(ready["status"]["fullyLabeledReplicas"] == 2 && ready["status"]["observedGeneration"] == 1)
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            try await cluster.merge(.pods, pods[0].name, ["metadata": ["labels": ["app": "free"]]])
            try await cluster.wait(for: .pods, in: "default", "a replacement, and one set free") { pods in
                pods.count == 3 && pods.count { $0.controllerReference["kind"] == "ReplicationController" } == 2
            }
            try await cluster.merge(.replicationControllers, "old", ["spec": ["replicas": 0]])
            try await cluster.wait(for: .replicationControllers, "old", "none") { $0?["status"]["replicas"] == 0 }
        }
    }
}
