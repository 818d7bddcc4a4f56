import APIModel
import PluginKit
import Testing

@testable import ControllerDisruption

@Suite struct DisruptionPlanTests {
    static let now: Whole = 1_800_000_000

    static func pod(_ name: String, ready: Bool = true, going: Bool = false) -> Value {
        [
            "metadata": ["name": .string(name), "deletionTimestamp": going ? "2027-01-01T00:00:00Z" : .null],
            "status": ["conditions": [["type": "Ready", "status": ready ? "True" : "False"]]],
        ]
    }

    private func look(_ spec: Value, _ pods: [Value], scale: Whole = 0, disrupted: Value = .null) -> (DisruptionPlan, Value) {
        let budget: Value = ["metadata": ["generation": 3], "spec": spec, "status": ["disruptedPods": disrupted]]
        let plan = DisruptionPlan(budget, pods: pods, now: Self.now)
        return (plan, plan.status(scale: scale))
    }

    @Test(
        arguments: [
            (["minAvailable": 1], 3, 0, [3, 1, 2]), (["minAvailable": 3], 3, 0, [3, 3, 0]), (["minAvailable": 5], 3, 0, [3, 5, 0]),
            (["minAvailable": "50%"], 3, 3, [3, 2, 1]), (["minAvailable": "50%"], 3, 5, [5, 3, 0]),
            (["maxUnavailable": 1], 3, 3, [3, 2, 1]),
            (["maxUnavailable": "30%"], 3, 3, [3, 2, 1]), (["maxUnavailable": 9], 3, 3, [3, 0, 3]),
            (["maxUnavailable": 1], 0, 0, [0, 0, 0]),
            (.emptyObject, 3, 3, [0, 0, 0]), (["minAvailable": 0], 2, 0, [2, 0, 2]),
        ] as [(Value, Int, Whole, [Value])])
    func counts(spec: Value, pods: Int, scale: Whole, expected: [Value]) {
        let (_, status) = look(spec, (0..<pods).map { Self.pod("p\($0)") }, scale: scale)
        #expect([status["expectedPods"], status["desiredHealthy"], status["disruptionsAllowed"]] == expected)
        #expect(status["observedGeneration"] == 3)
    }

    @Test func onlyHealthyOnesCount() {
        let pods = [Self.pod("a"), Self.pod("b", ready: false), Self.pod("c", going: true)]
        #expect(look(["minAvailable": 1], pods).1["currentHealthy"] == 1)
    }

    @Test func anEvictedPodCountsNoMoreUntilItIsGivenUp() {
        func since(_ seconds: Whole) -> Value { .string(Timestamp.format(seconds: Self.now - seconds)) }
        let pods = ["a", "b", "c"].map { Self.pod($0) }
        let (plan, status) = look(["minAvailable": 1], pods, disrupted: ["a": since(20), "b": since(200), "gone": since(5)])
        #expect(status["currentHealthy"] == 2 && status["disruptedPods"] == ["a": since(20)])
        #expect(plan.wait == 100 && plan.lost.compactMap { $0["metadata"]["name"].string } == ["b"])
    }

    @Test func nothingMayGoWhereNobodyKnows() {
        let failed = look(["maxUnavailable": 1], []).0.failed("why")
        #expect(
            failed["disruptionsAllowed"] == 0 && failed["conditions"][0]["reason"] == "SyncFailed"
                && failed["conditions"][0]["message"] == "why")
    }
}
