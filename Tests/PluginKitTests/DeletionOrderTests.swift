import APIModel
import PluginKit
import Testing

/// Who goes first.
@Suite struct DeletionOrderTests {
    private static let now: Whole = 1_800_000_000

    /// When something was, in hours before now; a month is 720.
    private static func time(_ hours: Whole?) -> Value { hours.map { .string(Timestamp.format(seconds: now - $0 * 3600)) } ?? .null }

    private static func pod(
        _ name: String, node: String = "n", phase: String = "Running", ready: Bool = false, since: Whole? = nil, created: Whole? = nil,
        restarts: Whole = 0, sidecar: Whole = 0, cost: String? = nil
    ) -> Value {
        [
            "metadata": [
                "name": .string(name), "uid": .string(name), "creationTimestamp": time(created),
                "annotations": ["controller.kubernetes.io/pod-deletion-cost": Value(cost)],
            ],
            "spec": ["nodeName": node.isEmpty ? .null : .string(node), "initContainers": [["name": "s", "restartPolicy": "Always"]]],
            "status": [
                "phase": .string(phase),
                "conditions": ready ? [["type": "Ready", "status": "True", "lastTransitionTime": time(since)]] : .null,
                "containerStatuses": ready ? [["restartCount": .int(restarts)], ["restartCount": 0]] : .null,
                "initContainerStatuses": ready ? [["name": "s", "restartCount": .int(sidecar)]] : .null,
            ],
        ]
    }

    private func names(_ pods: [Value]) -> [String] { pods.compactMap { $0["metadata"]["name"].string } }

    /// As Jobs do it: by exact times, whatever the Pods cost and wherever they are.
    @Test func byTimes() {
        let ordered = [
            Self.pod("unscheduled", node: "", phase: "Pending"), Self.pod("pending", phase: "Pending"),
            Self.pod("unknown", phase: "Unknown"),
            Self.pod("not-ready"), Self.pod("ready-since-whenever", ready: true, restarts: 3),
            Self.pod("ready-now", ready: true, since: 0, restarts: 3, cost: "5"),
            Self.pod("ready-for-long", ready: true, since: 720, restarts: 3, cost: "-5"),
            Self.pod("sidecar", ready: true, since: 720, created: 0, restarts: 2, sidecar: 2),
            Self.pod("fewer-restarts", ready: true, since: 720, created: 0, restarts: 2),
            Self.pod("oldest", ready: true, since: 720, created: 720, restarts: 2),
        ]
        for shift in ordered.indices {
            #expect(names(DeletionOrder.sorted(Array(ordered[shift...] + ordered[..<shift]))) == names(ordered))
            #expect(names(DeletionOrder.sorted(Array((ordered[shift...] + ordered[..<shift]).reversed()))) == names(ordered))
        }
    }

    static let unscheduled = pod("unscheduled", node: "", phase: "Pending")
    static let pending = pod("pending", phase: "Pending")
    static let unknown = pod("unknown", phase: "Unknown")
    static let notReady = pod("not-ready")
    static let whenever = pod("whenever", ready: true)
    static let readyNow = pod("now", ready: true, since: 0, created: 0)
    static let readyThen = pod("then", ready: true, since: 720, created: 720)
    static let restarted = pod("restarted", ready: true, since: 0, created: 0, restarts: 9001)
    static let sidecar = pod("sidecar", ready: true, since: 0, created: 0, restarts: 9001, sidecar: 9001)
    static let createdThen = pod("created-then", ready: true, since: 0, created: 720)
    static let cheap = pod("cheap", ready: true, since: 0, created: 720, cost: "10")
    static let dear = pod("dear", ready: true, since: 0, created: 720, cost: "100")

    /// One and how many are on its node, that goes before another.
    @Test(
        arguments: [
            (unscheduled, 1, pending, 2), (unscheduled, 2, pending, 1), (pending, 1, unknown, 2), (unknown, 1, notReady, 2),
            (notReady, 1, whenever, 1), (whenever, 1, readyNow, 1), (readyNow, 2, whenever, 1), (readyNow, 1, readyThen, 1),
            (readyNow, 2, readyThen, 1), (restarted, 1, readyNow, 1), (sidecar, 1, restarted, 1), (readyNow, 2, restarted, 1),
            (readyNow, 1, createdThen, 1), (createdThen, 2, readyNow, 1), (cheap, 1, dear, 2),
            (pod("2h", ready: true, since: 2, created: 720), 1, pod("5h", ready: true, since: 5, created: 720), 1),
        ] as [(Value, Int, Value, Int)])
    func bySetsThatScaleDown(first: Value, crowd: Int, second: Value, otherCrowd: Int) {
        // A node of each one's own, with as many others there.
        var (first, second) = (first, second)
        var related: [Value] = []
        for (node, count) in [("a", crowd), ("b", otherCrowd)] { related += (0..<count).map { Self.pod("\(node)\($0)", node: node) } }
        if !first["spec"]["nodeName"].isNull { first["spec"]["nodeName"] = "a" }
        if !second["spec"]["nodeName"].isNull { second["spec"]["nodeName"] = "b" }
        let wanted = names([first, second])
        #expect(names(DeletionOrder.sorted([first, second], among: related, now: Self.now)) == wanted)
        #expect(names(DeletionOrder.sorted([second, first], among: related, now: Self.now)) == wanted)
    }

    /// Times of one order of magnitude are one: who goes is as good as chance.
    @Test(
        arguments: [
            (pod("b", ready: true, since: 5, created: 720), pod("a", ready: true, since: 8, created: 720)),
            (pod("b", node: "", phase: "Pending", created: 5), pod("a", node: "", phase: "Pending", created: 8)),
        ])
    func chanceDecides(younger: Value, older: Value) {
        #expect(names(DeletionOrder.sorted([younger, older], among: [], now: Self.now)) == ["a", "b"])
        #expect(names(DeletionOrder.sorted([older, younger])) == ["b", "a"])
    }
}
