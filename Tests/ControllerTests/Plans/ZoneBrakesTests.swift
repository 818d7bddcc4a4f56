import APIModel
import Testing

@testable import ControllerNodeLifecycle

@Suite struct ZoneBrakesTests {
    private typealias Node = (name: String, member: ZoneBrakes.Member?)

    /// Nodes of a zone, the first of them not ready.
    private static func zone(_ zone: String, _ count: Int, unready: Int) -> [Node] {
        (0..<count).map { (name: "\(zone)\($0)", member: ZoneBrakes.Member(zone: zone, isReady: $0 >= unready)) }
    }

    private static func brakes(_ nodes: [Node]) -> ZoneBrakes {
        var brakes = ZoneBrakes(ZoneBrakes.Limits())
        _ = brakes.note(nodes, now: 0)
        return brakes
    }

    @Test(
        arguments: [
            (10, 0, .normal), (10, 1, .normal), (2, 2, .fullDisruption), (1, 1, .fullDisruption), (3, 2, .normal),
            (4, 3, .partialDisruption), (100, 54, .normal), (100, 55, .partialDisruption), (100, 100, .fullDisruption),
        ] as [(Int, Int, ZoneBrakes.ZoneState)])
    func statesOfAZone(count: Int, unready: Int, state: ZoneBrakes.ZoneState) {
        #expect(Self.brakes(Self.zone("a", count, unready: unready) + Self.zone("b", 1, unready: 0)).state(of: "a") == state)
    }

    /// The first at once, the next as the zone's rate says.
    @Test(
        arguments: [
            // A healthy zone: one in ten seconds.
            (10, 2, .now, .later(milliseconds: 10_000)),
            // A small zone that is half gone: none. A large one: one in a hundred seconds.
            (50, 30, .later(milliseconds: nil), .later(milliseconds: nil)),
            (51, 30, .now, .later(milliseconds: 100_000)),
            // One that is gone altogether, while others are not: as a healthy one.
            (10, 10, .now, .later(milliseconds: 10_000)),
        ] as [(Int, Int, ZoneBrakes.Turn, ZoneBrakes.Turn)])
    func rates(count: Int, unready: Int, first: ZoneBrakes.Turn, second: ZoneBrakes.Turn) {
        var brakes = Self.brakes(Self.zone("a", count, unready: unready) + Self.zone("b", 1, unready: 0))
        #expect(brakes.turn(of: "a0", in: "a", now: 0) == first)
        #expect(brakes.turn(of: "a1", in: "a", now: 0) == second)
    }

    @Test func aTurnStaysGivenUntilItIsTaken() {
        var brakes = Self.brakes(Self.zone("a", 10, unready: 2))
        #expect(brakes.turn(of: "a0", in: "a", now: 0) == .now)
        #expect(brakes.turn(of: "a0", in: "a", now: 1) == .now, "what failed is done again")
        brakes.done("a0")
        #expect(brakes.turn(of: "a0", in: "a", now: 1) == .later(milliseconds: 9999))
        #expect(brakes.turn(of: "a1", in: "a", now: 10_000) == .now)
        #expect(brakes.turn(of: "x", in: "unseen", now: 0) == .now && brakes.turn(of: "y", in: "unseen", now: 0) != .now)
    }

    @Test func nothingIsEvictedWhenNothingIsReady() {
        var brakes = Self.brakes(Self.zone("a", 3, unready: 2) + Self.zone("b", 1, unready: 0))
        #expect(brakes.turn(of: "a0", in: "a", now: 0) == .now && !brakes.isStopped)
        let resumed = brakes.note(Self.zone("a", 3, unready: 3) + Self.zone("b", 1, unready: 1), now: 1)
        #expect(!resumed && brakes.isStopped)
        #expect(brakes.turn(of: "a0", in: "a", now: 1_000_000) == .later(milliseconds: nil), "nor what was allowed before")
        // One that comes back lets all begin anew, the zones not before their rate allows it.
        let back = brakes.note([("b0", ZoneBrakes.Member(zone: "b", isReady: true))], now: 2_000_000)
        #expect(back && !brakes.isStopped)
        #expect(brakes.turn(of: "a0", in: "a", now: 2_000_000) == .later(milliseconds: 10_000))
    }

    @Test func thoseThatAreExcludedOrGoneSayNothing() {
        var brakes = Self.brakes(Self.zone("a", 3, unready: 3))
        #expect(brakes.isStopped)
        let excluded = ZoneBrakes.Member(zone: "b", isReady: true, isExcluded: true)
        #expect(!brakes.note([("b0", excluded)], now: 0) && brakes.isStopped && brakes.state(of: "b") == nil)
        // The last that was not ready goes: there is nobody to judge by, and all stays as it is.
        #expect(!brakes.note(Self.zone("a", 3, unready: 3).map { ($0.name, nil) }, now: 0) && brakes.isStopped)
        #expect(brakes.note([("c0", ZoneBrakes.Member(zone: "c", isReady: true))], now: 0) && !brakes.isStopped)
        let resumed = brakes.note([("never", nil)], now: 0)
        #expect(!resumed)
    }

    /// A zone that gets worse and better again goes on waiting at the rate of the moment.
    @Test func ratesFollowTheState() {
        var brakes = Self.brakes(Self.zone("a", 60, unready: 1))
        #expect(brakes.turn(of: "a0", in: "a", now: 0) == .now)
        _ = brakes.note(Self.zone("a", 60, unready: 40), now: 5000)
        #expect(brakes.turn(of: "a1", in: "a", now: 5000) == .later(milliseconds: 100_000))
        _ = brakes.note(Self.zone("a", 60, unready: 3), now: 6000)
        #expect(brakes.turn(of: "a1", in: "a", now: 6000) == .later(milliseconds: 10_000))
        _ = brakes.note(Self.zone("a", 60, unready: 40), now: 30_000)
        #expect(brakes.turn(of: "a1", in: "a", now: 30_000) == .now, "who need not wait any more need not wait anew")
    }

    @Test(
        arguments: [
            ([:], "/"), (["topology.kubernetes.io/zone": "z"], "/z"),
            (["topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r"], "r/z"),
            (["topology.kubernetes.io/zone": "z", "failure-domain.beta.kubernetes.io/zone": "old"], "/old"),
        ] as [([String: String], String)])
    func zones(labels: [String: String], zone: String) {
        #expect(NodeLifecycleController.member(["metadata": ["labels": Value(labels)]]).zone == zone)
    }

    // MARK: Taints

    private static func node(_ ready: String, taints: [Value] = [], unschedulable: Bool = false) -> Value {
        [
            "spec": ["taints": .array(taints), "unschedulable": unschedulable ? true : .null],
            "status": ["conditions": [["type": "Ready", "status": .string(ready)], ["type": "DiskPressure", "status": "True"]]],
        ]
    }

    private static func taint(_ key: String, _ effect: String) -> Value {
        ["key": .string("node.kubernetes.io/\(key)"), "effect": .string(effect), "timeAdded": "then"]
    }

    private static func words(_ taints: [Value]?) -> [String]? {
        taints?.map {
            "\($0["key"].string?.split(separator: "/").last ?? "").\($0["effect"].string ?? "") \($0["timeAdded"].string ?? "-")"
        }
        .sorted()
    }

    private static let pressure = taint("disk-pressure", "NoSchedule")
    private static let unreachable = [taint("unreachable", "NoSchedule"), taint("unreachable", "NoExecute")]

    @Test(
        arguments: [
            (node("True"), .remove, ["disk-pressure.NoSchedule now"]),
            (node("True", taints: [pressure]), .remove, nil),
            (node("Unknown", taints: [pressure]), .leave, ["disk-pressure.NoSchedule then", "unreachable.NoSchedule now"]),
            (
                node("Unknown", taints: [pressure]), .add,
                ["disk-pressure.NoSchedule then", "unreachable.NoExecute now", "unreachable.NoSchedule now"]
            ),
            (node("Unknown", taints: [pressure] + unreachable), .leave, nil),
            (node("Unknown", taints: [pressure] + unreachable), .add, nil),
            (node("Unknown", taints: [pressure] + unreachable), .remove, ["disk-pressure.NoSchedule then", "unreachable.NoSchedule then"]),
            (
                node("False", taints: [pressure] + unreachable), .add,
                ["disk-pressure.NoSchedule then", "not-ready.NoExecute now", "not-ready.NoSchedule now"]
            ),
            // What people set stays, unless it is ours by key and effect.
            (
                node("True", taints: [pressure, taint("unschedulable", "NoExecute"), taint("unschedulable", "NoSchedule")]), .remove,
                ["disk-pressure.NoSchedule then", "unschedulable.NoExecute then"]
            ),
            (
                node("True", taints: [["key": "mine", "effect": "NoExecute"]], unschedulable: true), .remove,
                ["disk-pressure.NoSchedule now", "mine.NoExecute -", "unschedulable.NoSchedule now"]
            ),
            (["spec": ["unschedulable": true], "status": .null], .leave, nil),
        ] as [(Value, NodeTaints.Eviction, [String]?)])
    func taints(node: Value, eviction: NodeTaints.Eviction, taints: [String]?) {
        #expect(Self.words(NodeTaints.change(of: node, eviction, now: "now")) == taints)
    }

    // MARK: Silence and labels

    @Test func silenceIsMeasuredHere() {
        func node(_ uid: String) -> Value { ["metadata": ["name": "n", "uid": .string(uid)]] }
        let ready: Value = ["status": "True", "lastHeartbeatTime": "1"]
        var health = NodeHealth()
        func note(_ node: Value, _ ready: Value, renewTime: String? = nil, age: Whole = 3600, now: Whole) -> String {
            let seen = health.note(node, ready: ready, renewTime: renewTime, age: age, now: now)
            return "\(seen.silence)\(seen.isNew ? " new" : "")"
        }
        #expect(note(node("u"), .null, age: 10, now: 100) == "10 new", "since it was made")
        #expect(note(node("u"), .null, renewTime: "1", now: 110) == "0")
        #expect(note(node("u"), .null, renewTime: "1", now: 115) == "5")
        #expect(note(node("u"), ready, renewTime: "1", now: 120) == "0")
        health.startAnew(now: 140)
        #expect(note(node("u"), ready, renewTime: "1", now: 150) == "10")
        #expect(note(node("v"), ready, renewTime: "1", now: 150) == "0 new", "another of its name")
        #expect(health.forget("n")?["metadata"]["uid"] == "v" && health.forget("n") == nil)
    }

    @Test func oldLabelsFollowTheNew() {
        #expect(NodeLabels.missing(.null).isNull && NodeLabels.missing(["beta.kubernetes.io/os": "linux"]).isNull)
        #expect(
            NodeLabels.missing(["kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64", "beta.kubernetes.io/arch": "x"]) == [
                "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "arm64",
            ])
    }
}
