import APIModel
import OrderedCollections
import PluginKit
import Testing

@testable import ControllerStatefulSet

@Suite struct StatefulSetPlanTests {
    static let now: Whole = 1_800_000_000

    static func set(_ replicas: Int, _ spec: Value = .emptyObject) -> Value {
        var all: Value = [
            "replicas": Value(replicas), "serviceName": "web", "podManagementPolicy": "OrderedReady",
            "selector": ["matchLabels": ["a": "b"]],
            "updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": 0]],
            "template": ["metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c"]]]],
        ]
        for (name, value) in spec.fields { all[name] = value }
        return [
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": ["name": "web", "namespace": "default", "uid": "s"], "spec": all,
        ]
    }

    static func revision(_ name: String) -> Value {
        ["metadata": ["name": .string(name)], "data": RevisionHistory.data(ofTemplate: ["metadata": ["labels": ["a": "b"]]])]
    }

    /// Clients compare what a revision says byte for byte with what Go writes of the set.
    @Test func aRevisionSaysItAsUpstreamDoes() {
        let template: Value = [
            "spec": [
                "restartPolicy": "Always", "containers": [["name": "c", "image": "i", "args": ["b", "a"], "resources": .emptyObject]],
            ],
            "metadata": ["labels": ["b": "1", "a": "2"], "name": .null],
        ]
        let data = String(decoding: JSON.encode(RevisionHistory.data(ofTemplate: template)), as: UTF8.self)
        #expect(
            data
                == #"{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"2","b":"1"}},"spec":{"containers":[{"args":["b","a"],"image":"i","name":"c","resources":{}}],"restartPolicy":"Always"}}}}"#
        )
    }

    /// `0` is ready, `0?` is not, `0-` is going, `0!` has failed; `0*` is of the next revision.
    static func pod(_ word: String) -> Value {
        let ordinal = word.prefix { $0.isNumber }
        let labels: Value = [
            "statefulset.kubernetes.io/pod-name": .string("web-\(ordinal)"),
            "controller-revision-hash": word.contains("*") ? "new" : "old",
        ]
        let ready: Value = [
            "type": "Ready", "status": word.contains("?") ? "False" : "True",
            "lastTransitionTime": .string(Timestamp.format(seconds: now - 5)),
        ]
        return [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string("web-\(ordinal)"), "uid": .string("uid-\(ordinal)"), "labels": labels,
                "deletionTimestamp": word.contains("-") ? "2027-01-01T00:00:00Z" : .null,
            ], "status": ["phase": word.contains("!") ? "Failed" : "Running", "conditions": [ready]],
        ]
    }

    private func actions(_ set: Value, _ pods: String, update: String = "old", claims: [String: Value] = [:]) -> String {
        let plan = StatefulSetPlan(
            set, pods: pods.split(separator: " ").map { Self.pod(String($0)) }, current: Self.revision("old"),
            update: Self.revision(update),
            claims: claims, now: Self.now)
        return plan.actions().map { action in
            switch action {
            case .create(let ordinal, let update): "+\(ordinal)\(update ? "*" : "")"
            case .delete(let pod): "-\(pod["metadata"]["name"].string?.dropFirst(4) ?? "")"
            case .conform(let pod): "~\(pod["metadata"]["name"].string?.dropFirst(4) ?? "")"
            case .makeClaims(let pod): "c\(pod["metadata"]["name"].string?.dropFirst(4) ?? "")"
            }
        }.joined(separator: " ")
    }

    @Test(
        arguments: [
            // One after the other, each when the one before is ready.
            (3, "", "+0*"), (3, "0", "+1*"), (3, "0?", ""), (3, "0 1", "+2*"), (3, "0 1 2", ""), (3, "0 2", "+1*"), (3, "0- 1 2", ""),
            (3, "0! 1 2", "-0"), (3, "0 1! 2", "-1"),
            // Back from the end, but not while another one is not ready.
            (1, "0 1 2", "-2"), (1, "0 1 2-", ""), (1, "0? 1 2", ""), (1, "0 1? 2", "-2"), (1, "0 1 2?", "-2"), (1, "0 1? 2?", ""),
            (0, "0", "-0"), (0, "", ""),
        ] as [(Int, String, String)])
    func ordered(replicas: Int, pods: String, expected: String) { #expect(actions(Self.set(replicas), pods) == expected) }

    @Test(
        arguments: [
            (3, "", "+0* +1* +2*"), (3, "0? 2", "+1*"), (1, "0? 1 2-", "-1"), (3, "0! 1 2", "-0"), (0, "0 1", "-1 -0"),
        ] as [(Int, String, String)])
    func parallel(replicas: Int, pods: String, expected: String) {
        #expect(actions(Self.set(replicas, ["podManagementPolicy": "Parallel"]), pods) == expected)
    }

    @Test(
        arguments: [
            (0, .null, "0 1 2", "-2"), (0, .null, "0 1 2*", "-1"), (0, .null, "0 1 2*-", ""), (0, .null, "0* 1* 2*", ""),
            (1, .null, "0 1 2", "-2"),
            (2, .null, "0 1 2*", ""), (3, .null, "0 1 2", ""), (9, .null, "0 1 2", ""), (0, 2, "0 1 2", "-2 -1"), (0, 2, "0 1 2*", "-1 -0"),
            (0, "100%", "0 1 2", "-2 -1 -0"), (2, 2, "0 1 2", "-2"), (0, "1%", "0 1 2", "-2"),
        ] as [(Int, Value, String, String)])
    func rolling(partition: Int, unavailable: Value, pods: String, expected: String) {
        let strategy: Value = ["type": "RollingUpdate", "rollingUpdate": ["partition": Value(partition), "maxUnavailable": unavailable]]
        #expect(actions(Self.set(3, ["updateStrategy": strategy]), pods, update: "new") == expected)
    }

    @Test func others() {
        // Before the partition, Pods come back as they were.
        let half = Self.set(3, ["updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": 2]]])
        #expect(actions(half, "0 2*", update: "new") == "+1" && actions(half, "0 1", update: "new") == "+2*")
        #expect(actions(Self.set(3, ["updateStrategy": ["type": "OnDelete"]]), "0 1 2", update: "new") == "")
        #expect(actions(Self.set(2, ["ordinals": ["start": 5]]), "5", update: "old") == "+6*")
        #expect(actions(Self.set(2, ["ordinals": ["start": 1]]), "0 1 2") == "-0")
        // Available only after a while.
        #expect(actions(Self.set(3, ["minReadySeconds": 10]), "0") == "" && actions(Self.set(3, ["minReadySeconds": 5]), "0") == "+1*")
        var going = Self.set(3)
        going["metadata"]["deletionTimestamp"] = "2027-01-01T00:00:00Z"
        #expect(actions(going, "0") == "")
        #expect(actions(Self.set(2_147_483_647), "0?") == "")
        #expect(
            actions(Self.set(2_147_483_647, ["podManagementPolicy": "Parallel"]), "").split(separator: " ").count == StatefulSetPlan.burst)
    }

    @Test func claimsFollowTheirPods() {
        let policy: Value = ["whenDeleted": "Delete", "whenScaled": "Delete"]
        let set = Self.set(
            2, ["persistentVolumeClaimRetentionPolicy": policy, "volumeClaimTemplates": [["metadata": ["name": "data"]]]])
        func claim(_ owner: Value) -> Value {
            ["metadata": ["name": "data-web-0", "ownerReferences": owner.isNull ? .null : [OwnerReference.controller(owner)]]]
        }
        #expect(actions(set, "0 1", claims: ["data-web-0": claim(set)]) == "")
        #expect(actions(set, "0 1", claims: ["data-web-0": claim(.null)]) == "~0")
        var earlier = Self.pod("0")
        earlier["metadata"]["uid"] = "another"
        // It goes with the Pod that was there before.
        #expect(actions(set, "", claims: ["data-web-0": claim(earlier)]) == "")
        let retention = ClaimRetention(statefulSet: set, pod: Self.pod("0"), isScaledDown: true)
        #expect(retention.owners(of: claim(set)) == [OwnerReference.controller(Self.pod("0"))])
        let other: Value = ["apiVersion": "v1", "kind": "Other", "metadata": ["name": "o", "uid": "o"]]
        #expect(retention.isInForeignHands(claim(other)) && retention.owners(of: claim(other)) == nil)
        // Without a policy nobody owns claims, and they are left as they are.
        let kept = ClaimRetention(statefulSet: Self.set(2), pod: Self.pod("0"), isScaledDown: false)
        #expect(kept.owners(of: claim(.null)) == nil)
    }

    @Test(
        arguments: [
            ("web-0", 0), ("web-12", 12), ("web-", nil), ("web", nil), ("other-1", nil), ("web-1-2", nil), ("web--1", nil),
            ("web-4294967296", nil),
            ("web-+1", nil),
        ] as [(String, Whole?)])
    func ordinals(name: String, ordinal: Whole?) {
        #expect(StatefulPod.ordinal(of: ["metadata": ["name": .string(name)]], in: Self.set(1)) == ordinal)
    }

    @Test func statusCounts() {
        func status(_ pods: String, update: String) -> Value {
            StatefulSetPlan(
                Self.set(3), pods: pods.split(separator: " ").map { Self.pod(String($0)) }, current: Self.revision("old"),
                update: Self.revision(update), now: Self.now
            ).status(collisions: 0)
        }
        let half = status("0 1? 2*", update: "new")
        #expect(half["replicas"] == 3 && half["readyReplicas"] == 2 && half["currentReplicas"] == 2 && half["updatedReplicas"] == 1)
        #expect(half["currentRevision"] == "old" && half["updateRevision"] == "new")
        let all = status("0* 1* 2*", update: "new")
        #expect(all["currentRevision"] == "new" && all["currentReplicas"] == 3)
    }
}
