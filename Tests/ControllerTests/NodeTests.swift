import APIModel
import Client
import Testing

@Suite(.serialized) struct NodeTests {
    private static func taints(_ node: Value?) -> Set<String> {
        Set(node?["spec"]["taints"].elements.map { "\($0["key"].string ?? "").\($0["effect"].string ?? "")" } ?? [])
    }

    @Test func aSilentNodeBecomesUnknownAndIsTainted() async throws {
        let config: Value = ["nodeMonitorGracePeriodSeconds": 2, "nodeMonitorPeriodSeconds": 1]
        try await Cluster.with(Cluster.Setup(config: ["node-lifecycle": config])) { cluster in
            try await cluster.addNode("n2")
            let beat = cluster.beat("n2")
            _ = try await cluster.client.create(.pods, namespace: "default", pod("p", app: "web"))
            try await cluster.wait(for: .pods, "a ready Pod") { $0.count == 1 && isReady($0[0].value) }
            let silent = try await cluster.wait(for: .nodes, "n1", "tainted") { Self.taints($0).count == 2 }
            let ready = condition(silent, "Ready")
            #expect(
                ready["status"] == "Unknown" && ready["reason"] == "NodeStatusUnknown"
                    && ready["message"] == "Kubelet stopped posting node status.")
            #expect(ready["lastHeartbeatTime"].string != nil)
            #expect(condition(silent, "MemoryPressure")["reason"] == "NodeStatusNeverUpdated")
            #expect(Self.taints(silent) == ["node.kubernetes.io/unreachable.NoSchedule", "node.kubernetes.io/unreachable.NoExecute"])
            try await cluster.wait(for: .pods, "the Pod not ready") { !isReady($0[0].value) }
            try await cluster.wait(for: .events, in: "default", "events") { events in
                Set(events.compactMap(\.value["message"].string)).isSuperset(
                    of: [
                        "Node n1 event: Registered Node n1 in Controller", "Node n1 status is now: NodeNotReady", "Node is not ready",
                    ])
            }

            // When nobody is heard any more, it is not the Nodes that have died: none loses its Pods.
            beat.cancel()
            try await cluster.wait(for: .nodes, "both without NoExecute") { nodes in
                nodes.count == 2 && nodes.allSatisfy { Self.taints($0.value) == ["node.kubernetes.io/unreachable.NoSchedule"] }
            }
            try await cluster.waitUntilQuiet()
            try await cluster.setNodeReady("n1", "True")
            try await cluster.wait(for: .nodes, "n1", "no taint") {
                Self.taints($0).isEmpty && condition($0 ?? .null, "Ready")["status"] == "True"
            }
        }
    }

    @Test func conditionsAndCordonBecomeTaints() async throws {
        try await Cluster.with { cluster in
            try await cluster.addNode("n2")
            try await cluster.setNodeReady("n1", "False")
            try await cluster.wait(for: .nodes, "n1", "not-ready") {
                Self.taints($0) == ["node.kubernetes.io/not-ready.NoSchedule", "node.kubernetes.io/not-ready.NoExecute"]
            }
            try await cluster.setNodeReady("n1", "True")
            let pressure: Value = [
                "type": "DiskPressure", "status": "True", "lastHeartbeatTime": .string(Timestamp.now()),
                "lastTransitionTime": .string(Timestamp.now()),
            ]
            _ = try await cluster.client.patch(
                .nodes, namespace: nil, name: "n1", subresource: "status", .strategicMerge, ["status": ["conditions": [pressure]]])
            try await cluster.merge(.nodes, in: nil, "n1", ["metadata": ["labels": ["kubernetes.io/os": "linux"]]])
            try await cluster.wait(for: .nodes, "n1", "the older label") { $0?["metadata"]["labels"]["beta.kubernetes.io/os"] == "linux" }
            let own: Value = ["key": "mine", "effect": "NoSchedule"]
            try await cluster.merge(.nodes, in: nil, "n1", ["spec": ["unschedulable": true, "taints": [own]]])
            let node = try await cluster.wait(for: .nodes, "n1", "three taints") { Self.taints($0).count == 3 }
            #expect(
                Self.taints(node) == [
                    "node.kubernetes.io/disk-pressure.NoSchedule", "node.kubernetes.io/unschedulable.NoSchedule", "mine.NoSchedule",
                ])
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func evictsWhatDoesNotTolerateOrNoLonger() async throws {
        try await Cluster.with { cluster in
            func tolerant(_ name: String, seconds: Value) -> Value {
                pod(
                    name, app: "x",
                    spec: ["tolerations": [["key": "gone", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds]]])
            }
            for pod in [pod("never", app: "x"), tolerant("awhile", seconds: 2), tolerant("always", seconds: .null)] {
                _ = try await cluster.client.create(.pods, namespace: "default", pod)
            }
            try await cluster.wait(for: .pods, "3 ready Pods") { $0.count { isReady($0.value) } == 3 }
            let taint: Value = ["key": "gone", "effect": "NoExecute"]
            try await cluster.merge(.nodes, in: nil, "n1", ["spec": ["taints": [taint]]])
            try await cluster.wait(for: .pods, "the first to go") { Set($0.map(\.name)) == ["awhile", "always"] }
            try await cluster.wait(for: .pods, "the second to go") { $0.map(\.name) == ["always"] }
            // One that comes later goes at once, too.
            _ = try await cluster.client.create(.pods, namespace: "default", pod("late", app: "x"))
            try await cluster.wait(for: .pods, "late to be there", seconds: 5) { $0.contains { $0.name == "late" } }
            try await cluster.wait(for: .pods, "late to go", seconds: 5) { $0.map(\.name) == ["always"] }
            // One that would have to go later may stay when the taint goes.
            _ = try await cluster.client.create(.pods, namespace: "default", tolerant("patient", seconds: 3600))
            try await cluster.wait(for: .pods, "patient", "to run") { isReady($0 ?? .null) }
            try await cluster.waitUntilQuiet()
            try await cluster.merge(.nodes, in: nil, "n1", ["spec": ["taints": []]])
            try await cluster.wait(for: .events, in: "default", "events") { events in
                Set(events.filter { $0.value["reason"] == "TaintManagerEviction" }.compactMap(\.value["message"].string)).isSuperset(
                    of: ["Marking for deletion Pod default/never", "Cancelling deletion of Pod default/patient"])
            }
        }
    }

    @Test func podsOfADeletedNodeGoAfterQuarantine() async throws {
        try await Cluster.with(Cluster.Setup(config: ["podgc": ["quarantineSeconds": 2]])) { cluster in
            try await cluster.addNode("n2")
            _ = try await cluster.client.create(.pods, namespace: "default", pod("p", app: "x", spec: ["nodeName": "n2"]))
            _ = try await cluster.client.create(.pods, namespace: "default", pod("stays", app: "x"))
            try await cluster.wait(for: .pods, "a ready Pod") { $0.contains { isReady($0.value) } }
            try await cluster.delete(.nodes, in: nil, "n2")
            // Failed first, so that whoever counts it knows why.
            let failed = try await cluster.wait(for: .pods, "p", "failed") { $0?["status"]["phase"] == "Failed" }
            #expect(
                condition(failed, "DisruptionTarget")["reason"] == "DeletionByPodGC"
                    && condition(failed, "DisruptionTarget")["message"] == "PodGC: node no longer exists")
            try await cluster.wait(for: .pods, "the other one only") { $0.map(\.name) == ["stays"] }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func podsThatEndOnANodeOutOfServiceGo() async throws {
        try await Cluster.with(Cluster.Setup(only: ["podgc"])) { cluster in
            try await cluster.addNode("n2")
            for (name, node) in [("gone", "n2"), ("stays", "n2"), ("well", "n1")] as [(String, Value)] {
                var pod = pod(name, app: "x", hollow: "lingering", spec: ["nodeName": node])
                if name == "gone" { pod["metadata"]["finalizers"] = ["example.com/hold"] }
                _ = try await cluster.client.create(.pods, namespace: "default", pod)
            }
            try await cluster.wait(for: .pods, "3 ready Pods") { $0.count { isReady($0.value) } == 3 }
            for name in ["gone", "well"] { try await cluster.delete(.pods, name) }
            let taint: Value = ["key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoSchedule"]
            for node in ["n1", "n2"] { try await cluster.merge(.nodes, in: nil, node, ["spec": ["taints": [taint]]]) }
            // Who says that it is ready is believed more.
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.client.get(.pods, namespace: "default", name: "gone").value["status"]["phase"] == "Running")
            try await cluster.setNodeReady("n2", "Unknown")
            try await cluster.wait(for: .pods, "gone", "failed") { $0?["status"]["phase"] == "Failed" }
            try await cluster.merge(.pods, "gone", ["metadata": ["finalizers": []]])
            try await cluster.wait(for: .pods, "the other two") { Set($0.map(\.name)) == ["stays", "well"] }
        }
    }

    @Test func podsThatEndBeforeTheyWerePlacedAndTooManyEndedOnesGo() async throws {
        try await Cluster.with(Cluster.Setup(config: ["podgc": ["terminatedPodThreshold": 2]])) { cluster in
            var held = pod("held", app: "x", hollow: "pending")
            held["metadata"]["finalizers"] = ["example.com/hold"]
            _ = try await cluster.client.create(.pods, namespace: "default", held)
            try await cluster.delete(.pods, "held")
            // So that who holds it, as a Job does that waits for its end, lets go.
            try await cluster.wait(for: .pods, "held", "failed") { $0?["status"]["phase"] == "Failed" }
            try await cluster.merge(.pods, "held", ["metadata": ["finalizers": []]])
            try await cluster.wait(for: .pods, "held", "to go") { $0 == nil }
            for number in 0..<4 { _ = try await cluster.client.create(.pods, namespace: "default", pod("p\(number)", app: "x")) }
            let pods = try await cluster.wait(for: .pods, "4 ready Pods") { $0.count { isReady($0.value) } == 4 }
            for pod in pods.sorted(by: { $0.name < $1.name }) {
                // Evicted ones go first, though they are the newest.
                let end: Value =
                    pod.name < "p2" ? ["phase": "Succeeded", "reason": .null] : ["phase": "Failed", "reason": "Evicted"]
                _ = try await cluster.client.patch(
                    .pods, namespace: "default", name: pod.name, subresource: "status", .merge, ["status": end])
            }
            try await cluster.wait(for: .pods, "2 to stay") { $0.count == 2 }
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.client.list(.pods, namespace: "default").items.map(\.name).sorted() == ["p0", "p1"])
        }
    }
}
