import APIModel
import Client
import Foundation
import Synchronization
import Testing

@Suite(.serialized) struct ReplicaSetTests {
    @Test func makesExactlyAsManyPodsAndThenRests() async throws {
        try await Cluster.with { cluster in
            let set = try await cluster.client.create(.replicaSets, namespace: "default", replicaSet("web", replicas: 3))
            let settled = try await cluster.wait(for: .replicaSets, "web", "3 available") { $0?["status"]["availableReplicas"].int == 3 }
            #expect(
                settled["status"]["replicas"].int == 3 && settled["status"]["readyReplicas"].int == 3
                    && settled["status"]["fullyLabeledReplicas"].int == 3)
            #expect(settled["status"]["observedGeneration"] == settled["metadata"]["generation"])
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            #expect(pods.count == 3)
            for pod in pods {
                #expect(pod.name.hasPrefix("web-") && pod.name.count == 9 && pod.controllerReference["uid"].string == set.uid)
                #expect(pod.controllerReference["blockOwnerDeletion"].bool == true && pod.metadata["generateName"] == "web-")
            }
            try await cluster.wait(for: .events, in: "default", "events") {
                $0.count { $0.value["reason"].string == "SuccessfulCreate" } == 3
            }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func makesNoDuplicatesWhenScaledQuickly() async throws {
        try await Cluster.with { cluster in
            let most = Mutex(0)
            let recording = try await cluster.record(.pods) { live in most.withLock { $0 = max($0, live.values.count(where: isActive)) } }
            _ = try await cluster.client.create(.replicaSets, namespace: "default", replicaSet("web", replicas: 0))
            try await cluster.merge(.replicaSets, "web", ["spec": ["replicas": 50]])
            try await cluster.wait(for: .pods, "some Pods") { $0.count > 20 }
            try await cluster.merge(.replicaSets, "web", ["spec": ["replicas": 10]])
            try await cluster.wait(for: .pods, "fewer Pods") { $0.count { isActive($0.value) } < 15 }
            try await cluster.merge(.replicaSets, "web", ["spec": ["replicas": 30]])
            try await cluster.wait(for: .replicaSets, "web", "30 available", seconds: 60) {
                $0?["status"]["availableReplicas"].int == 30 && $0?["status"]["replicas"].int == 30
            }
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.client.list(.pods, namespace: "default").items.count == 30)
            #expect(most.withLock { $0 } <= 50)
            recording.cancel()
        }
    }

    @Test func adoptsOrphansAndReleasesWhatMatchesNoMore() async throws {
        try await Cluster.with { cluster in
            let set = try await cluster.client.create(.replicaSets, namespace: "default", replicaSet("web", replicas: 2))
            try await cluster.wait(for: .replicaSets, "web", "2 available") { $0?["status"]["availableReplicas"].int == 2 }
            // One too many, so after adoption one goes.
            _ = try await cluster.client.create(.pods, namespace: "default", pod("orphan", app: "web"))
            try await cluster.wait(for: .pods, in: "default", "2 Pods of the set") { pods in
                pods.count { isActive($0.value) } == 2 && pods.allSatisfy { $0.controllerReference["uid"].string == set.uid }
            }
            try await cluster.waitUntilQuiet()
            let name = try #require(try await cluster.client.list(.pods, namespace: "default").items.first?.name)
            try await cluster.merge(.pods, name, ["metadata": ["labels": ["app": "other"]]])
            try await cluster.wait(for: .pods, in: "default", "a replacement") { pods in
                pods.count == 3 && pods.first { $0.name == name }?.metadata["ownerReferences"].isEmpty == true
                    && pods.count { isReady($0.value) } == 3
            }
            // Relabelled, it is taken in again.
            try await cluster.merge(.pods, name, ["metadata": ["labels": ["app": "web"]]])
            try await cluster.wait(for: .pods, in: "default", "2 Pods") {
                $0.count == 2 && $0.allSatisfy { $0.controllerReference["uid"].string == set.uid }
            }
        }
    }

    @Test func givesUpTheLeastPodsFirst() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.replicaSets, namespace: "default", replicaSet("web", replicas: 4))
            try await cluster.wait(for: .replicaSets, "web", "4 available") { $0?["status"]["availableReplicas"].int == 4 }
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            try await cluster.setReady(pods[2], false)
            try await cluster.merge(
                .pods, pods[1].name, ["metadata": ["annotations": ["controller.kubernetes.io/pod-deletion-cost": "-5"]]])
            try await cluster.wait(for: .replicaSets, "web", "3 ready") { $0?["status"]["readyReplicas"].int == 3 }
            try await cluster.merge(.replicaSets, "web", ["spec": ["replicas": 3]])
            try await cluster.wait(for: .pods, "the unready one to go") { $0.count == 3 && !$0.contains { $0.name == pods[2].name } }
            try await cluster.merge(.replicaSets, "web", ["spec": ["replicas": 2]])
            try await cluster.wait(for: .pods, "the cheap one to go") { $0.count == 2 && !$0.contains { $0.name == pods[1].name } }
        }
    }

    @Test func replacesFailedAndDeletedPods() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.replicaSets, namespace: "default", replicaSet("web", replicas: 2))
            let pods = try await cluster.wait(for: .pods, "2 Pods") { $0.count { isReady($0.value) } == 2 }
            _ = try await cluster.client.patch(
                .pods, namespace: "default", name: pods[0].name, subresource: "status", .merge, ["status": ["phase": "Failed"]])
            try await cluster.delete(.pods, pods[1].name)
            try await cluster.wait(for: .pods, "2 new Pods") { all in
                all.count { isActive($0.value) && isReady($0.value) && $0.name != pods[0].name && $0.name != pods[1].name } == 2
            }
        }
    }

    @Test func saysWhyPodsCannotBeMadeAndTriesAgain() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(
                .replicaSets, namespace: "default", replicaSet("web", replicas: 2, spec: ["serviceAccountName": "later"]))
            let set = try await cluster.wait(for: .replicaSets, "web", "a failure") { !condition($0 ?? .null, "ReplicaFailure").isNull }
            let failure = condition(set, "ReplicaFailure")
            #expect(failure["reason"] == "FailedCreate" && failure["status"] == "True")
            #expect(
                failure["message"].string?.contains("error looking up service account default/later: serviceaccount \"later\" not found")
                    == true)
            try await cluster.wait(for: .events, in: "default", "a warning") {
                $0.contains { $0.value["reason"] == "FailedCreate" && $0.value["type"] == "Warning" }
            }
            _ = try await cluster.client.create(
                .serviceAccounts, namespace: "default", ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "later"]])
            let healed = try await cluster.wait(for: .replicaSets, "web", "2 available") { $0?["status"]["availableReplicas"].int == 2 }
            #expect(condition(healed, "ReplicaFailure").isNull)
        }
    }

    @Test func becomesAvailableOnlyAfterMinReadySeconds() async throws {
        try await Cluster.with { cluster in
            var set = replicaSet("web", replicas: 1)
            set["spec"]["minReadySeconds"] = 2
            _ = try await cluster.client.create(.replicaSets, namespace: "default", set)
            let ready = try await cluster.wait(for: .replicaSets, "web", "ready") { $0?["status"]["readyReplicas"].int == 1 }
            #expect(ready["status"]["availableReplicas"].isNull)
            try await cluster.wait(for: .replicaSets, "web", "available") { $0?["status"]["availableReplicas"].int == 1 }
        }
    }

    @Test func mayDoWhatItsManifestSaysAndNoMore() async throws {
        let setup = Cluster.Setup(manifests: [
            "controller-replicaset.yaml": {
                $0.replacingOccurrences(
                    of: "[get, list, watch, create, patch, delete]", with: "[get, list, watch, patch, delete]")
            }
        ])
        try await Cluster.with(setup) { cluster in
            _ = try await cluster.client.create(.replicaSets, namespace: "default", replicaSet("web", replicas: 1))
            let set = try await cluster.wait(for: .replicaSets, "web", "a failure") { !condition($0 ?? .null, "ReplicaFailure").isNull }
            #expect(
                condition(set, "ReplicaFailure")["message"].string
                    == "pods is forbidden: User \"system:plugin:replicaset\" cannot create resource \"pods\" in API group \"\" in the namespace \"default\""
            )
            #expect(try await cluster.client.list(.pods, namespace: "default").items.isEmpty)
        }
    }
}
