import APIModel
import Client
import Testing

@Suite(.serialized) struct DaemonSetTests {
    private func nodes(_ pods: [Object]) -> [String] { pods.map { $0.value["spec"]["nodeName"].string ?? "" }.sorted() }

    @Test func runsOnEveryNodeThatItIsFor() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.daemonSets, namespace: "default", daemonSet("log"))
            try await cluster.wait(for: .daemonSets, "log", "1 ready") { $0?["status"]["numberReady"] == 1 }
            try await cluster.addNode("n2")
            let both = try await cluster.wait(for: .daemonSets, "log", "2 ready") { $0?["status"]["numberAvailable"] == 2 }
            #expect(both["status"]["desiredNumberScheduled"] == 2 && both["status"]["updatedNumberScheduled"] == 2)
            #expect(both["status"]["numberUnavailable"].isNull && both["status"]["numberMisscheduled"] == 0)
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            #expect(nodes(pods) == ["n1", "n2"])
            let keys = pods[0].value["spec"]["tolerations"].elements.compactMap { $0["key"].string }
            #expect(keys.contains("node.kubernetes.io/unschedulable") && keys.contains("node.kubernetes.io/disk-pressure"))

            // A taint that it does not tolerate, without and with effect on those who run.
            func taint(_ effect: String?) async throws {
                let taints: Value = effect.map { [["key": "own", "effect": .string($0)]] } ?? []
                try await cluster.merge(.nodes, in: nil, "n2", ["spec": ["taints": taints]])
            }
            try await taint("NoSchedule")
            try await cluster.wait(for: .daemonSets, "log", "1 where it should not be") { $0?["status"]["numberMisscheduled"] == 1 }
            try await taint("NoExecute")
            try await cluster.wait(for: .pods, in: "default", "1 Pod") { $0.count == 1 }
            try await taint(nil)
            try await cluster.wait(for: .daemonSets, "log", "2 ready") { $0?["status"]["numberReady"] == 2 }

            // Only where the label is.
            try await cluster.merge(.daemonSets, "log", ["spec": ["template": ["spec": ["nodeSelector": ["disk": "fast"]]]]])
            try await cluster.wait(for: .daemonSets, "log", "none") { $0?["status"]["desiredNumberScheduled"] == 0 }
            try await cluster.wait(for: .pods, in: "default", "no Pod") { $0.isEmpty }
            try await cluster.merge(.nodes, in: nil, "n2", ["metadata": ["labels": ["disk": "fast"]]])
            let one = try await cluster.wait(for: .pods, in: "default", "1 Pod") { $0.count == 1 && isReady($0[0].value) }
            #expect(nodes(one) == ["n2"])
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func rollsForthAndBack() async throws {
        try await Cluster.with { cluster in
            try await cluster.addNode("n2")
            let surge: Value = ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1, "maxUnavailable": 0]]
            for (name, strategy) in [("one", Value.null), ("two", surge), ("three", ["type": "OnDelete"])] {
                _ = try await cluster.client.create(
                    .daemonSets, namespace: "default", daemonSet(name, strategy.isNull ? [:] : ["updateStrategy": strategy]))
                try await cluster.wait(for: .daemonSets, name, "2 ready") { $0?["status"]["numberReady"] == 2 }
                try await cluster.merge(.daemonSets, name, newImage("b"))
            }
            for name in ["one", "two"] {
                try await cluster.wait(for: .daemonSets, name, "2 updated") {
                    $0?["status"]["updatedNumberScheduled"] == 2 && $0?["status"]["numberAvailable"] == 2
                        && $0?["status"]["observedGeneration"] == 2
                }
            }
            try await cluster.waitUntilQuiet()
            let pods = try await cluster.client.list(.pods, namespace: "default").items
            #expect(pods.count == 6 && pods.count { image($0.value) == "b" } == 4)
            try await cluster.merge(.daemonSets, "one", newImage("a"))
            try await cluster.wait(for: .pods, in: "default", "the old image") { pods in
                pods.count { $0.labels["app"] == "one" && image($0.value) == "a" && isReady($0.value) } == 2
            }
            let revisions = try await cluster.client.list(.revisions, namespace: "default").items.filter { $0.labels["app"] == "one" }
            #expect(revisions.map { $0.value["revision"].int ?? 0 }.sorted() == [2, 3])
            // What nothing needs goes when there is no room for it.
            try await cluster.merge(.daemonSets, "one", ["spec": ["revisionHistoryLimit": 0]])
            try await cluster.wait(for: .revisions, in: "default", "the old one to go") { revisions in
                revisions.filter { $0.labels["app"] == "one" }.map { $0.value["revision"].int ?? 0 } == [3]
            }
            // A Pod that matches no more is let go, and replaced.
            let daemon = try #require(
                try await cluster.client.list(.pods, namespace: "default").items.first { $0.labels["app"] == "one" && isActive($0.value) })
            try await cluster.merge(.pods, daemon.name, ["metadata": ["labels": ["app": "free"]]])
            try await cluster.wait(for: .pods, in: "default", "one let go, and another") { pods in
                pods.first { $0.name == daemon.name }?.controllerReference.isNull == true
                    && pods.count { $0.labels["app"] == "one" && isReady($0.value) } == 2
            }
        }
    }

    @Test func aFailedDaemonIsReplaced() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.daemonSets, namespace: "default", daemonSet("log"))
            let pods = try await cluster.wait(for: .pods, in: "default", "1 Pod") { $0.count == 1 && isReady($0[0].value) }
            _ = try await cluster.client.patch(
                .pods, namespace: "default", name: pods[0].name, subresource: "status", .merge, ["status": ["phase": "Failed"]])
            try await cluster.wait(for: .pods, in: "default", "another") { all in
                all.count == 1 && all[0].uid != pods[0].uid && isReady(all[0].value)
            }
            try await cluster.wait(for: .events, in: "default", "a warning") { $0.contains { $0.value["reason"] == "FailedDaemonPod" } }
        }
    }
}
