import APIModel
import Client
import Synchronization
import Testing

@Suite(.serialized) struct DeploymentTests {
    private static func isComplete(_ deployment: Value?, _ replicas: Whole) -> Bool {
        guard let deployment else { return false }
        let status = deployment["status"]
        return status["observedGeneration"] == deployment["metadata"]["generation"] && status["updatedReplicas"].int == replicas
            && status["replicas"].int == replicas
            && status["availableReplicas"].int == replicas
            && condition(deployment, "Progressing")["reason"].string == "NewReplicaSetAvailable"
    }

    private static func revision(_ object: Value) -> String? {
        object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].string
    }

    private static func create(_ cluster: Cluster, _ deployment: Value, complete replicas: Whole) async throws {
        _ = try await cluster.client.create(.deployments, namespace: "default", deployment)
        try await cluster.wait(for: .deployments, "web", "complete") { isComplete($0, replicas) }
    }

    @Test func rollsOutAndThenRests() async throws {
        try await Cluster.with { cluster in
            try await Self.create(cluster, deployment("web", replicas: 3), complete: 3)
            try await cluster.waitUntilQuiet()
            let deployment = try await cluster.client.get(.deployments, namespace: "default", name: "web").value
            let sets = try await cluster.client.list(.replicaSets, namespace: "default").items
            #expect(sets.count == 1)
            let set = sets[0]
            let hash = try #require(set.labels["pod-template-hash"])
            #expect(
                set.name == "web-\(hash)" && set.labels["app"] == "web" && set.controllerReference["uid"] == deployment["metadata"]["uid"])
            #expect(set.value["spec"]["selector"]["matchLabels"].strings == ["app": "web", "pod-template-hash": hash])
            #expect(
                set.metadata["annotations"].strings == [
                    "deployment.kubernetes.io/revision": "1", "deployment.kubernetes.io/desired-replicas": "3",
                    "deployment.kubernetes.io/max-replicas": "4",
                ])
            for pod in try await cluster.client.list(.pods, namespace: "default").items { #expect(pod.labels["pod-template-hash"] == hash) }
            #expect(Self.revision(deployment) == "1" && deployment["metadata"]["generation"] == 1)
            #expect(deployment["status"]["readyReplicas"] == 3 && deployment["status"]["unavailableReplicas"].isNull)
            let (available, progressing) = (condition(deployment, "Available"), condition(deployment, "Progressing"))
            #expect(
                available["status"] == "True" && available["reason"] == "MinimumReplicasAvailable"
                    && available["message"] == "Deployment has minimum availability.")
            #expect(
                progressing["status"] == "True"
                    && progressing["message"].string == "ReplicaSet \"\(set.name)\" has successfully progressed.")
            try await cluster.wait(for: .events, in: "default", "an event") { events in
                events.contains {
                    $0.value["reason"] == "ScalingReplicaSet"
                        && $0.value["message"].string == "Scaled up replica set \(set.name) from 0 to 3"
                }
            }
        }
    }

    struct Limits: Sendable {
        var surge: Value
        var unavailable: Value
        var most: Whole
        var least: Int
    }

    @Test(arguments: [
        Limits(surge: 1, unavailable: 0, most: 7, least: 6), Limits(surge: 0, unavailable: 2, most: 6, least: 4),
        Limits(surge: "25%", unavailable: "25%", most: 8, least: 5),
    ])
    func staysWithinItsLimitsAtEveryMoment(_ limits: Limits) async throws {
        try await Cluster.with { cluster in
            try await Self.create(
                cluster, deployment("web", replicas: 6, ["strategy": rolling(surge: limits.surge, unavailable: limits.unavailable)]),
                complete: 6)
            let most = Mutex(Whole(0))
            let least = Mutex(Int.max)
            let sizes = try await cluster.record(.replicaSets) { live in
                let total = live.values.reduce(0) { $0 + ($1["spec"]["replicas"].int ?? 0) }
                most.withLock { $0 = max($0, total) }
            }
            let pods = try await cluster.record(.pods) { live in
                let ready = live.values.count { isActive($0) && isReady($0) }
                least.withLock { $0 = min($0, ready) }
            }
            try await cluster.merge(.deployments, "web", newImage("b"))
            let done = try await cluster.wait(for: .deployments, "web", "the new template") {
                $0.flatMap(Self.revision) == "2" && Self.isComplete($0, 6)
            }
            #expect(done["status"]["unavailableReplicas"].isNull)
            try await cluster.wait(for: .pods, "new Pods only") { $0.count == 6 && $0.allSatisfy { image($0.value) == "b" } }
            try await cluster.waitUntilQuiet()
            #expect(most.withLock { $0 } <= limits.most)
            #expect(least.withLock { $0 } >= limits.least)
            sizes.cancel()
            pods.cancel()
        }
    }

    @Test func recreatesOnlyAfterAllOldPodsHaveGone() async throws {
        try await Cluster.with { cluster in
            try await Self.create(cluster, deployment("web", replicas: 3, ["strategy": ["type": "Recreate"]]), complete: 3)
            let isMixed = Mutex(false)
            let pods = try await cluster.record(.pods) { live in
                if Set(live.values.map(image)).count > 1 { isMixed.withLock { $0 = true } }
            }
            try await cluster.merge(.deployments, "web", newImage("b"))
            try await cluster.wait(for: .deployments, "web", "the new template") {
                $0.flatMap(Self.revision) == "2" && Self.isComplete($0, 3)
            }
            try await cluster.wait(for: .pods, "new Pods only") { $0.count == 3 && $0.allSatisfy { image($0.value) == "b" } }
            #expect(!isMixed.withLock { $0 })
            pods.cancel()
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func saysWhyThereIsNoReplicaSet() async throws {
        try await Cluster.with(Cluster.Setup(only: ["deployment", "resourcequota"])) { cluster in
            let quotas = GroupVersionResource(group: "", version: "v1", resource: "resourcequotas")
            let hard: Value = ["count/replicasets.apps": "0"]
            _ = try await cluster.client.create(
                quotas, namespace: "default",
                ["apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "q"], "spec": ["hard": hard]])
            try await cluster.wait(for: quotas, in: "default", "q", "counted") { $0?["status"]["used"] == hard }
            _ = try await cluster.client.create(.deployments, namespace: "default", deployment("web", replicas: 1))
            let refused = try await cluster.wait(for: .deployments, "web", "a word") {
                condition($0 ?? .null, "Progressing")["status"] == "False"
            }
            let progress = condition(refused, "Progressing")
            #expect(progress["reason"] == "ReplicaSetCreateError")
            let message = progress["message"].string ?? ""
            #expect(message.hasPrefix("Failed to create new replica set \"web-") && message.contains("exceeded quota: q"))
            try await cluster.wait(for: .events, in: "default", "an Event") { events in
                events.contains { $0.value["reason"] == "ReplicaSetCreateError" && $0.value["message"] == progress["message"] }
            }
        }
    }

    @Test func holdsStillWhilePaused() async throws {
        try await Cluster.with { cluster in
            try await Self.create(cluster, deployment("web", replicas: 2), complete: 2)
            try await cluster.merge(.deployments, "web", ["spec": ["paused": true]])
            try await cluster.wait(for: .deployments, "web", "paused") {
                condition($0 ?? .null, "Progressing")["reason"] == "DeploymentPaused"
            }
            try await cluster.merge(.deployments, "web", newImage("b"))
            try await cluster.merge(.deployments, "web", ["spec": ["replicas": 4]])
            try await cluster.wait(for: .deployments, "web", "4 Pods") {
                $0?["status"]["availableReplicas"].int == 4 && $0?["status"]["observedGeneration"] == $0?["metadata"]["generation"]
            }
            try await cluster.waitUntilQuiet()
            let sets = try await cluster.client.list(.replicaSets, namespace: "default").items
            #expect(sets.count == 1 && image(sets[0].value) == "a")
            let paused = condition(try await cluster.client.get(.deployments, namespace: "default", name: "web").value, "Progressing")
            #expect(paused["status"] == "Unknown" && paused["message"] == "Deployment is paused")
            try await cluster.merge(.deployments, "web", ["spec": ["paused": false]])
            try await cluster.wait(for: .deployments, "web", "the new template") {
                $0.flatMap(Self.revision) == "2" && Self.isComplete($0, 4)
            }
        }
    }

    @Test func sharesANewSizeInTheMiddleOfARollout() async throws {
        try await Cluster.with { cluster in
            try await Self.create(cluster, deployment("web", replicas: 10, ["strategy": rolling(surge: 3, unavailable: 2)]), complete: 10)
            // New Pods never become ready, so the rollout stands still with 8 old and 5 new.
            try await cluster.merge(.deployments, "web", newImage("b", hollow: "unready"))
            @Sendable func sizes(_ sets: [Object]) -> [String: Whole] {
                Dictionary(sets.map { (image($0.value), $0.value["spec"]["replicas"].int ?? -1) }, uniquingKeysWith: +)
            }
            try await cluster.wait(for: .replicaSets, "8 old and 5 new") { sizes($0) == ["a": 8, "b": 5] }
            try await cluster.merge(.deployments, "web", ["spec": ["replicas": 15]])
            try await cluster.wait(for: .replicaSets, "11 old and 7 new") { sizes($0) == ["a": 11, "b": 7] }
            try await cluster.waitUntilQuiet()
            #expect(sizes(try await cluster.client.list(.replicaSets).items) == ["a": 11, "b": 7])
        }
    }

    @Test func goesBackToAnEarlierTemplateUnderANewRevision() async throws {
        try await Cluster.with { cluster in
            try await Self.create(cluster, deployment("web", replicas: 2), complete: 2)
            try await cluster.merge(.deployments, "web", newImage("b"))
            try await cluster.wait(for: .deployments, "web", "revision 2") { $0.flatMap(Self.revision) == "2" && Self.isComplete($0, 2) }
            try await cluster.merge(.deployments, "web", newImage("a"))
            try await cluster.wait(for: .deployments, "web", "revision 3") { $0.flatMap(Self.revision) == "3" && Self.isComplete($0, 2) }
            let sets = try await cluster.client.list(.replicaSets, namespace: "default").items
            let (first, second) = (try #require(sets.first { image($0.value) == "a" }), try #require(sets.first { image($0.value) == "b" }))
            #expect(sets.count == 2 && Self.revision(first.value) == "3" && Self.revision(second.value) == "2")
            #expect(first.metadata["annotations"]["deployment.kubernetes.io/revision-history"] == "1")
            #expect(first.value["spec"]["replicas"] == 2 && second.value["spec"]["replicas"] == 0)
        }
    }

    @Test func keepsAsManyOldReplicaSetsAsItsHistoryHasRoomFor() async throws {
        try await Cluster.with { cluster in
            try await Self.create(cluster, deployment("web", replicas: 1, ["revisionHistoryLimit": 1]), complete: 1)
            for (number, image) in ["b", "c", "d"].enumerated() {
                try await cluster.merge(.deployments, "web", newImage(image))
                try await cluster.wait(for: .deployments, "web", "revision \(number + 2)") {
                    $0.flatMap(Self.revision) == "\(number + 2)" && Self.isComplete($0, 1)
                }
            }
            try await cluster.wait(for: .replicaSets, "the newest two") { Set($0.map { image($0.value) }) == ["c", "d"] && $0.count == 2 }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func saysWhenItDoesNotGetOnAndWhenItDoesAgain() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(
                .deployments, namespace: "default", deployment("web", replicas: 1, hollow: "unready", ["progressDeadlineSeconds": 2]))
            let stuck = try await cluster.wait(for: .deployments, "web", "a timeout") {
                condition($0 ?? .null, "Progressing")["status"] == "False"
            }
            let set = try #require(try await cluster.client.list(.replicaSets, namespace: "default").items.first)
            let progressing = condition(stuck, "Progressing")
            #expect(
                progressing["reason"] == "ProgressDeadlineExceeded"
                    && progressing["message"].string == "ReplicaSet \"\(set.name)\" has timed out progressing.")
            let available = condition(stuck, "Available")
            #expect(
                available["status"] == "False" && available["reason"] == "MinimumReplicasUnavailable"
                    && stuck["status"]["unavailableReplicas"] == 1)
            try await cluster.setReady(try #require(try await cluster.client.list(.pods, namespace: "default").items.first), true)
            try await cluster.wait(for: .deployments, "web", "complete") { Self.isComplete($0, 1) }
        }
    }

    @Test func aNewSizeOfACompleteDeploymentHasNoDeadline() async throws {
        try await Cluster.with { cluster in
            try await Self.create(cluster, deployment("web", replicas: 1, ["progressDeadlineSeconds": 1]), complete: 1)
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            try await cluster.setReady(pods[0], false)
            try await cluster.wait(for: .deployments, "web", "unavailable") { condition($0 ?? .null, "Available")["status"] == "False" }
            try await cluster.waitUntilQuiet()
            let deployment = try await cluster.client.get(.deployments, namespace: "default", name: "web").value
            #expect(condition(deployment, "Progressing")["reason"] == "NewReplicaSetAvailable")
        }
    }

    @Test func repeatsThatPodsCannotBeMade() async throws {
        try await Cluster.with { cluster in
            var broken = deployment("web", replicas: 1)
            broken["spec"]["template"]["spec"]["serviceAccountName"] = "missing"
            _ = try await cluster.client.create(.deployments, namespace: "default", broken)
            let failed = try await cluster.wait(for: .deployments, "web", "a failure") {
                condition($0 ?? .null, "ReplicaFailure")["status"] == "True"
            }
            #expect(condition(failed, "ReplicaFailure")["reason"] == "FailedCreate")
            #expect(condition(failed, "ReplicaFailure")["message"].string?.hasPrefix("pods \"web-") == true)
        }
    }

    @Test func handsAnnotationsAndMinReadySecondsDown() async throws {
        try await Cluster.with { cluster in
            try await Self.create(cluster, deployment("web", replicas: 1), complete: 1)
            try await cluster.merge(
                .deployments, "web",
                ["metadata": ["annotations": ["kubernetes.io/change-cause": "why not"]], "spec": ["minReadySeconds": 1]])
            try await cluster.wait(for: .replicaSets, "both on the ReplicaSet") { sets in
                sets.count == 1 && sets[0].metadata["annotations"]["kubernetes.io/change-cause"] == "why not"
                    && sets[0].value["spec"]["minReadySeconds"] == 1
            }
        }
    }
}
