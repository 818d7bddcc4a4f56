import APIModel
import Client
import Synchronization
import Testing

@Suite(.serialized) struct StatefulSetTests {
    @Test func makesPodsInOrderAndTakesThemBack() async throws {
        try await Cluster.with { cluster in
            let orders = Mutex<Set<[String]>>([])
            let recording = try await cluster.record(.pods) { live in
                orders.withLock { _ = $0.insert(live.values.compactMap { $0["metadata"]["name"].string }.sorted()) }
            }
            let claim: Value = [
                "metadata": ["name": "data"],
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
            ]
            let set = try await cluster.client.create(
                .statefulSets, namespace: "default",
                statefulSet(
                    "db", replicas: 3,
                    [
                        "volumeClaimTemplates": [claim],
                        "persistentVolumeClaimRetentionPolicy": ["whenDeleted": "Delete", "whenScaled": "Delete"],
                    ]))
            let ready = try await cluster.wait(for: .statefulSets, "db", "3 ready") {
                $0?["status"]["readyReplicas"] == 3 && $0?["status"]["updatedReplicas"] == 3
            }
            #expect(ready["status"]["currentReplicas"] == 3 && ready["status"]["currentRevision"] == ready["status"]["updateRevision"])
            #expect(ready["status"]["collisionCount"] == 0 && ready["status"]["availableReplicas"] == 3)
            #expect(orders.withLock { $0 }.isSubset(of: [["db-0"], ["db-0", "db-1"], ["db-0", "db-1", "db-2"]]))
            let pod = try await cluster.client.get(.pods, namespace: "default", name: "db-1")
            #expect(pod.labels["statefulset.kubernetes.io/pod-name"] == "db-1" && pod.labels["apps.kubernetes.io/pod-index"] == "1")
            #expect(pod.labels["controller-revision-hash"] == ready["status"]["updateRevision"].string)
            #expect(pod.value["spec"]["hostname"] == "db-1" && pod.value["spec"]["subdomain"] == "db")
            let claims = try await cluster.wait(for: .claims, in: "default", "3 claims of the set") { claims in
                claims.count == 3 && claims.allSatisfy { $0.controllerReference["uid"].string == set.uid }
            }
            #expect(claims.map(\.name).sorted() == ["data-db-0", "data-db-1", "data-db-2"])

            // One that somebody puts in place has no labels, and goes with its Pod all the same.
            try await cluster.merge(.claims, "data-db-2", ["metadata": ["labels": .null]])
            try await cluster.merge(.statefulSets, "db", ["spec": ["replicas": 1]])
            try await cluster.wait(for: .claims, in: "default", "the claims of db-1 and db-2 to go with them", seconds: 60) {
                $0.map(\.name) == ["data-db-0"]
            }
            try await cluster.wait(for: .pods, in: "default", "1 Pod") { $0.map(\.name) == ["db-0"] }
            #expect(!orders.withLock { $0 }.contains(["db-0", "db-2"]))
            try await cluster.wait(for: .events, in: "default", "events") { events in
                events.contains { $0.value["message"] == "Create Pod db-0 in StatefulSet db successful" }
                    && events.contains { $0.value["message"] == "Delete Pod db-2 in StatefulSet db successful" }
            }
            recording.cancel()
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func rollsForthAndBack() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(
                .statefulSets, namespace: "default",
                statefulSet("web", replicas: 3, ["updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": 2]]]))
            let first = try await cluster.wait(for: .statefulSets, "web", "3 ready") { $0?["status"]["readyReplicas"] == 3 }
            // Only what is behind the partition moves.
            try await cluster.merge(.statefulSets, "web", newImage("b"))
            let half = try await cluster.wait(for: .statefulSets, "web", "1 updated") {
                $0?["status"]["updatedReplicas"] == 1 && $0?["status"]["readyReplicas"] == 3
            }
            #expect(half["status"]["currentRevision"] == first["status"]["currentRevision"] && half["status"]["currentReplicas"] == 2)
            let images = try await cluster.client.list(.pods, namespace: "default").items.sorted { $0.name < $1.name }.map {
                image($0.value)
            }
            #expect(images == ["a", "a", "b"])
            // A Pod before it comes back as it was.
            try await cluster.delete(.pods, "web-0")
            try await cluster.wait(for: .pods, in: "default", "web-0 again") { pods in
                pods.contains { $0.name == "web-0" && image($0.value) == "a" && isReady($0.value) && !$0.isBeingDeleted }
            }
            try await cluster.merge(.statefulSets, "web", ["spec": ["updateStrategy": ["rollingUpdate": ["partition": 0]]]])
            let all = try await cluster.wait(for: .statefulSets, "web", "3 updated") {
                $0?["status"]["currentReplicas"] == 3 && $0?["status"]["currentRevision"] != first["status"]["currentRevision"]
            }
            #expect(all["status"]["currentRevision"] == all["status"]["updateRevision"] && all["status"]["updatedReplicas"] == 3)

            // Back: the old revision becomes the newest, and there are two still.
            try await cluster.merge(.statefulSets, "web", newImage("a"))
            try await cluster.wait(for: .statefulSets, "web", "all back") {
                $0?["status"]["currentRevision"] == first["status"]["currentRevision"] && $0?["status"]["updatedReplicas"] == 3
            }
            let revisions = try await cluster.client.list(.revisions, namespace: "default").items
            #expect(revisions.map { $0.value["revision"].int ?? 0 }.sorted() == [2, 3])
            #expect(revisions.allSatisfy { $0.labels["controller.kubernetes.io/hash"] != nil })
            // What nothing needs goes when there is no room for it.
            try await cluster.merge(.statefulSets, "web", ["spec": ["revisionHistoryLimit": 0]])
            try await cluster.wait(for: .revisions, in: "default", "the old one to go") { $0.map { $0.value["revision"].int ?? 0 } == [3] }
            // An orphan with a member's name is taken in, and then is one too many.
            _ = try await cluster.client.create(.pods, namespace: "default", pod("web-3", app: "web"))
            try await cluster.wait(for: .events, in: "default", "it to go") { events in
                events.contains { $0.value["message"] == "Delete Pod web-3 in StatefulSet web successful" }
            }
        }
    }

    @Test func parallelOnesWaitForNobodyAndOnDeleteForSomebody() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(
                .statefulSets, namespace: "default",
                statefulSet(
                    "fast", replicas: 3, hollow: "unready",
                    ["podManagementPolicy": "Parallel", "ordinals": ["start": 5], "updateStrategy": ["type": "OnDelete"]]))
            try await cluster.wait(for: .pods, in: "default", "3 Pods") { $0.map(\.name).sorted() == ["fast-5", "fast-6", "fast-7"] }
            try await cluster.merge(.statefulSets, "fast", newImage("b"))
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.client.list(.pods, namespace: "default").items.allSatisfy { image($0.value) == "a" })
            try await cluster.delete(.pods, "fast-6")
            try await cluster.wait(for: .pods, in: "default", "a new one") { pods in
                pods.contains { $0.name == "fast-6" && image($0.value) == "b" }
            }
            try await cluster.merge(.statefulSets, "fast", ["spec": ["replicas": 0]])
            try await cluster.wait(for: .pods, in: "default", "no Pod") { $0.isEmpty }
            try await cluster.wait(for: .statefulSets, "fast", "none") { $0?["status"]["replicas"] == 0 }
        }
    }
}
