import APIModel
import PluginKit
import Testing

@testable import ControllerDeployment

/// Which ReplicaSets a Deployment keeps for a roll-back.
@Suite struct RolloutTests {
    private struct Old {
        var revision: Int
        var replicas = 0
        var running = 0
        var isGoing = false
        var generation: Whole = 1
    }

    private static let cases: [(what: String, limit: Value, old: [Old], left: [Int])] = [
        ("no limit", .null, [Old(revision: 1), Old(revision: 2)], [1, 2]),
        ("the oldest go", 1, [Old(revision: 3), Old(revision: 1), Old(revision: 2)], [3]),
        ("by number, not by text", 1, [Old(revision: 10), Old(revision: 9)], [10]),
        ("none is kept", 0, [Old(revision: 1), Old(revision: 2)], []),
        ("there is room", 5, [Old(revision: 1), Old(revision: 2)], [1, 2]),
        ("one that is to have Pods stays", 0, [Old(revision: 1, replicas: 1), Old(revision: 2)], [1]),
        ("one that still has Pods stays", 0, [Old(revision: 1, running: 1), Old(revision: 2)], [1]),
        ("and takes the place of none", 1, [Old(revision: 1, running: 1), Old(revision: 2)], [1, 2]),
        ("one that has yet to be looked at stays", 0, [Old(revision: 1, generation: 2), Old(revision: 2)], [1]),
        ("one that goes already does not count", 1, [Old(revision: 1, isGoing: true), Old(revision: 2)], [1, 2]),
    ]

    @Test func theOldestOfALongHistoryIsForgotten() {
        #expect(Rollout.history("", and: 1) == "1" && Rollout.history("1,3", and: 5) == "1,3,5")
        let long = (1000..<1400).map(String.init).joined(separator: ",")
        let next = Rollout.history(long, and: 1400)
        #expect(long.count == 1999 && next.count == 1999 && next.hasPrefix("1001,") && next.hasSuffix(",1399,1400"))
    }

    @Test(
        arguments: [
            ("ProgressDeadlineExceeded", "ProgressDeadlineExceeded"), ("NewReplicaSetAvailable", "DeploymentPaused"),
            ("ReplicaSetUpdated", "DeploymentPaused"),
        ])
    func pausingHidesNoRolloutThatTimedOut(before: String, after: String) throws {
        let deployment: Value = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "namespace": "default"],
            "spec": ["paused": true, "progressDeadlineSeconds": 600, "template": .emptyObject],
            "status": ["conditions": [["type": "Progressing", "status": "False", "reason": .string(before)]]],
        ]
        let test = TestHost([deployment])
        var rollout = Rollout(deployment: deployment, sets: [], objects: test.host.objects)
        _ = try rollout.updateStatus()
        let status = test[DeploymentController.resource, namespace: "default", name: "web"]?["status"] ?? .null
        #expect(status["conditions"].elements.first { $0["type"] == "Progressing" }?["reason"].string == after)
    }

    @Test(arguments: cases.indices) func historyIsKept(index: Int) throws {
        let (what, limit, old, left) = Self.cases[index]
        let sets = old.map { old -> Value in
            [
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": [
                    "name": .string("web-\(old.revision)"), "namespace": "default", "generation": .int(old.generation),
                    "annotations": ["deployment.kubernetes.io/revision": .string(String(old.revision))],
                    "deletionTimestamp": old.isGoing ? "2026-11-27T00:00:00Z" : .null,
                ],
                "spec": ["replicas": Value(old.replicas), "template": ["metadata": ["labels": ["v": .string(String(old.revision))]]]],
                "status": ["replicas": Value(old.running), "observedGeneration": 1],
            ]
        }
        let test = TestHost(sets)
        let deployment: Value = [
            "metadata": ["name": "web", "namespace": "default"],
            "spec": ["revisionHistoryLimit": limit, "template": ["metadata": ["labels": ["v": "new"]]]],
        ]
        var rollout = Rollout(deployment: deployment, sets: sets.map(ReplicaSet.init), objects: test.host.objects)
        try rollout.cleanUp()
        let names = Set(try test.host.objects.list(DeploymentController.replicaSets).compactMap { $0["metadata"]["name"].string })
        #expect(names == Set(left.map { "web-\($0)" }), "\(what)")
    }
}
