import APIModel
import PluginKit
import Testing

@testable import ControllerDaemonSet

@Suite struct DaemonSetPlanTests {
    static let now: Whole = 1_800_000_000

    static func set(
        _ strategy: Value = ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 0, "maxUnavailable": 1]], _ pod: Value = .emptyObject
    )
        -> Value
    {
        [
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": ["name": "log", "namespace": "default", "uid": "d"],
            "spec": ["updateStrategy": strategy, "template": ["metadata": ["labels": ["a": "b"]], "spec": pod]],
        ]
    }

    static func surge(_ count: Value) -> Value {
        set(["type": "RollingUpdate", "rollingUpdate": ["maxSurge": count, "maxUnavailable": 0]])
    }

    static func node(_ name: String, labels: Value = .emptyObject, taint: String? = nil) -> Value {
        [
            "metadata": ["name": .string(name), "labels": labels],
            "spec": ["taints": taint.map { [["key": "own", "effect": .string($0)]] } ?? .null],
        ]
    }

    /// `a1` is an old one on Node a, `a1*` a new one; `?` not ready, `-` going, `!` failed, `.` succeeded.
    static func pod(_ word: String) -> Value {
        let ready: Value = [
            "type": "Ready", "status": word.contains("?") ? "False" : "True",
            "lastTransitionTime": .string(Timestamp.format(seconds: now - 5)),
        ]
        let name = String(word.prefix(2))
        return [
            "metadata": [
                "name": .string(name), "uid": .string(name), "labels": ["controller-revision-hash": word.contains("*") ? "new" : "old"],
                "creationTimestamp": .string("2027-01-0\(name.suffix(1))T00:00:00Z"),
                "deletionTimestamp": word.contains("-") ? "2027-01-09T00:00:00Z" : .null,
            ], "spec": ["nodeName": .string(String(name.prefix(1)))],
            "status": ["phase": word.contains("!") ? "Failed" : word.contains(".") ? "Succeeded" : "Running", "conditions": [ready]],
        ]
    }

    private func plan(_ set: Value, _ pods: String, nodes: [Value]? = nil) -> DaemonSetPlan {
        DaemonSetPlan(
            set, hash: "new", nodes: nodes ?? ["a", "b", "c"].map { Self.node($0) },
            pods: pods.split(separator: " ").map { Self.pod(String($0)) },
            now: Self.now)
    }

    private func describe(_ changes: DaemonSetPlan.Changes) -> String {
        (changes.create.map { "+\($0)" } + changes.delete.map { "-\($0["metadata"]["name"].string ?? "")" }
            + (changes.wait.map { ["wait \($0)"] } ?? [])).joined(separator: " ")
    }

    @Test(
        arguments: [
            (set(), "", "+a +b +c"), (set(), "a1* b1*", "+c"), (set(), "a1* b1* c1*", ""), (set(), "a1* b1*- c1*", ""),
            (set(), "a1* a2* b1* c1*", "-a2"), (set(), "a1! b1* c1.", "-a1 -c1"), (set(), "a1* b1* c1* d1*", ""),
            (surge(1), "a1* b1* c1*-", "+c"), (surge(1), "a1 a2*? b1 c1", ""), (surge(1), "a1 a2* b1 c1", "-a1"),
            (surge(1), "a1? a2*? b1 c1", "-a1"),
            (surge(1), "a1 a2 a3* b1 c1", "-a2 -a1"),
        ] as [(Value, String, String)])
    func upkeep(set: Value, pods: String, expected: String) { #expect(describe(plan(set, pods).upkeep { _ in 0 }) == expected) }

    @Test func aFailedOneWaits() {
        #expect(describe(plan(Self.set(), "a1! b1* c1*").upkeep { _ in 7 }) == "wait 7")
    }

    @Test func whoFailsAgainWaitsLongerUntilTheDaemonSetIsChanged() {
        let failures = Failures()
        var set = Self.set()
        set["metadata"]["generation"] = 1
        func wait(_ node: String, _ now: Whole) -> Whole { failures.wait(set, node, now: now) }
        for time: Whole in [100, 101, 103] { failures.note(set, "a", now: time) }
        #expect(wait("a", 103) == 4 && wait("a", 107) == 0 && wait("b", 103) == 0)
        #expect(wait("a", 90) == 0, "the clock was set back")
        set["metadata"]["generation"] = 2
        #expect(wait("a", 103) == 0)
        failures.note(set, "a", now: 103)
        #expect(wait("a", 103) == 1)
    }

    @Test func nodesSayWhoMayRun() {
        let nodes = [
            Self.node("a", labels: ["disk": "fast"]), Self.node("b", labels: ["disk": "fast"], taint: "NoSchedule"),
            Self.node("c", labels: ["disk": "fast"], taint: "NoExecute"), Self.node("d"),
        ]
        let picky = Self.set(["type": "OnDelete"], ["nodeSelector": ["disk": "fast"]])
        #expect(describe(plan(picky, "", nodes: nodes).upkeep { _ in 0 }) == "+a")
        #expect(describe(plan(picky, "a1 b1 c1 d1", nodes: nodes).upkeep { _ in 0 }) == "-c1 -d1")
        let hardy = Self.set(["type": "OnDelete"], ["tolerations": [["key": "own", "operator": "Exists"]]])
        #expect(describe(plan(hardy, "", nodes: nodes).upkeep { _ in 0 }) == "+a +b +c +d")
        #expect(
            describe(plan(Self.set(["type": "OnDelete"], ["nodeName": "b"]), "", nodes: [nodes[3], Self.node("b")]).upkeep { _ in 0 })
                == "+b")
        let status = plan(picky, "a1* b1", nodes: nodes).status(collisions: nil)
        #expect(status["desiredNumberScheduled"] == 1 && status["numberMisscheduled"] == 1 && status["numberAvailable"] == 1)
    }

    @Test(
        arguments: [
            // Without a surge: those that serve nobody at once, of the others as many as may be missing.
            (set(), "a1 b1 c1", "-a1"), (set(), "a1* b1 c1", "-b1"), (set(), "a1*? b1 c1", ""), (set(), "a1? b1 c1", "-a1"),
            (set(), "a1 b1*", ""),
            (set(["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": "50%"]]), "a1 b1 c1", "-a1 -b1"),
            (set(["type": "OnDelete"]), "a1 b1 c1", ""),
            // With one: a new one beside the old one, which goes when the new one serves.
            (surge(1), "a1 b1 c1", "+a"), (surge(1), "a1 a2*? b1 c1", ""), (surge(1), "a1 a2* b1 c1", "+b -a1"),
            (surge("100%"), "a1 b1 c1", "+a +b +c"),
            (surge(1), "a1? b1 c1", "+a +b"), (surge(1), "a1* b1* c1*", ""),
        ] as [(Value, String, String)])
    func rolling(set: Value, pods: String, expected: String) { #expect(describe(plan(set, pods).update()) == expected) }

    @Test(arguments: [("50%", ""), (1, "-a1")] as [(Value, String)])
    func whereNoNodeWantsADaemonAShareOfThemIsNone(limit: Value, expected: String) {
        let set = Self.set(["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": limit]])
        #expect(describe(plan(set, "a1", nodes: [Self.node("a", taint: "NoSchedule")]).update()) == expected)
    }

    @Test func aPodIsForItsNode() {
        let pod = DaemonPod.made(for: Self.set(["type": "OnDelete"], ["hostNetwork": true]), hash: "h", node: "a")
        #expect(DaemonPod.node(of: pod) == "a" && pod["metadata"]["labels"][RevisionHistory.label] == "h")
        let tolerations = pod["spec"]["tolerations"].elements
        #expect(tolerations.count == 7 && tolerations.last?["key"] == "node.kubernetes.io/network-unavailable")
        #expect(pod["metadata"]["generateName"] == "log-")
    }
}
