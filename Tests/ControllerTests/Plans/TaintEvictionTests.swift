import APIModel
import Testing

@testable import ControllerTaintEviction

/// How long a Pod may stay on a Node with NoExecute taints.
@Suite struct TaintEvictionTests {
    private static func toleration(_ key: String, _ seconds: Value = .null) -> Value {
        ["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds]
    }

    private static let now: Whole = 1_000_000
    /// Was there a minute before.
    private static let old: Value = ["key": "old", "effect": "NoExecute", "timeAdded": .string(Timestamp.format(seconds: now - 60))]
    /// Says nothing of its age, and was seen ten seconds ago.
    private static let new: Value = ["key": "new", "effect": "NoExecute"]

    private static let cases: [(what: String, taints: [Value], tolerations: [Value], age: Whole, left: Whole?)] = [
        ("no taint", [], [], 600, nil),
        ("no toleration", [old], [], 600, 0),
        ("one of two taints is not tolerated", [old, new], [toleration("old")], 600, 0),
        ("for ever", [old, new], [toleration("old"), toleration("new")], 600, nil),
        ("a while", [old], [toleration("old", 100)], 600, 40),
        ("a taint that was only seen", [new], [toleration("new", 100)], 600, 90),
        ("the shorter time of two taints", [old, new], [toleration("new", 100), toleration("old", 100)], 600, 40),
        ("for ever is longer", [old, new], [toleration("new", 100), toleration("old")], 600, 90),
        ("the time is over", [old], [toleration("old", 60)], 600, 0),
        ("no time", [new], [toleration("new", 0)], 0, 0),
        ("less than no time", [new], [toleration("new", -5)], 0, 0),
        ("the first toleration counts", [old], [toleration("old"), toleration("old", 1)], 600, nil),
        ("and no later one", [old], [toleration("old", 100), toleration("old")], 600, 40),
        ("a Pod that came later has its whole time", [old], [toleration("old", 60)], 20, 40),
        ("though it may not come at all", [old], [], 0, 0),
    ]

    @Test(arguments: cases.indices) func aPodStays(index: Int) {
        let (what, taints, tolerations, age, left) = Self.cases[index]
        let pod: Value = [
            "metadata": ["creationTimestamp": .string(Timestamp.format(seconds: Self.now - 10_000))],
            "spec": ["tolerations": .array(tolerations)],
            "status": [
                "conditions": [["type": "PodScheduled", "lastTransitionTime": .string(Timestamp.format(seconds: Self.now - age))]]
            ],
        ]
        #expect(Eviction.secondsLeft(pod, taints, seen: [Self.new: Self.now - 10], now: Self.now) == left, "\(what)")
    }
}
