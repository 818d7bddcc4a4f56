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

    /// A Pod that several budgets are about is told of once by each that sees it, with one name.
    @Test func podsThatAreShared() {
        func budget(_ name: String, _ labels: Value) -> Value {
            [
                "metadata": ["name": .string(name), "uid": .string(name)],
                "spec": ["selector": labels.isNull ? .null : ["matchLabels": labels]],
            ]
        }
        func pod(_ name: String, _ labels: Value) -> Value {
            ["metadata": ["name": .string(name), "uid": .string(name), "labels": labels]]
        }
        let (web, all, none) = (budget("web", ["app": "web"]), budget("all", .emptyObject), budget("none", .null))
        let pods = [pod("a", ["app": "web"]), pod("b", ["app": "db"])]
        func found(_ budget: Value, _ pods: [Value], _ budgets: [Value]) -> [String] {
            SharedPods.find(budget, pods, among: budgets).map { "\($0.pod["metadata"]["name"].string ?? "") \($0.chosen)" }
        }
        #expect(found(web, [pods[0]], [web, all, none]) == ["a all"] && found(all, pods, [web, all, none]) == ["a all"])
        #expect(found(all, pods, [all, none]).isEmpty && found(all, pods, [all]).isEmpty)
        let (shared, both) = (SharedPods(), SharedPods.find(all, pods, among: [web, all]))
        #expect(shared.news(both, of: all).count == 1 && shared.news(both, of: all).isEmpty && shared.news(both, of: web).count == 1)
        #expect(shared.news([], of: all).isEmpty && shared.news(both, of: all).count == 1)
        shared.forget("all")
        #expect(shared.news(both, of: all).count == 1)
    }

    /// As upstream's tests have it: what is asked for, what is there, what the controllers want, and the four numbers.
    @Test(
        arguments: [
            (["minAvailable": 3], 1, 0, [1, 1, 3, 0]), (["minAvailable": 3], 3, 0, [3, 3, 3, 0]),
            (["minAvailable": 3], 4, 0, [4, 4, 3, 1]),
            (["maxUnavailable": 1], 1, 7, [7, 1, 6, 0]), (["maxUnavailable": 2], 7, 7, [7, 7, 5, 2]),
            (["maxUnavailable": 2], 2, 5, [5, 2, 3, 0]),
            (["maxUnavailable": "30%"], 1, 7, [7, 1, 4, 0]), (["maxUnavailable": "30%"], 1, 3, [3, 1, 2, 0]),
            (["minAvailable": "20%"], 0, 10, [10, 0, 2, 0]), (["minAvailable": "28%"], 0, 10, [10, 0, 3, 0]),
            (["minAvailable": "28%"], 3, 10, [10, 3, 3, 0]), (["minAvailable": "28%"], 4, 10, [10, 4, 3, 1]),
            (["minAvailable": "1%"], 1, 1, [1, 1, 1, 0]), (["minAvailable": "0%"], 0, 0, [0, 0, 0, 0]),
            (["maxUnavailable": .int(Whole(Int32.max))], 2, .init(Int32.max), [.int(Whole(Int32.max)), 2, 0, 2]),
        ] as [(Value, Int, Whole, [Value])])
    func countsOfControllers(spec: Value, ready: Int, scale: Whole, expected: [Value]) {
        let (_, status) = look(spec, (0..<ready).map { Self.pod("p\($0)") }, scale: scale)
        let fields = ["expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed"]
        #expect(fields.map { status[$0] } == expected)
    }

    @Test func nothingMayGoWhereNobodyKnows() {
        let failed = look(["maxUnavailable": 1], []).0.failed("why")
        #expect(
            failed["disruptionsAllowed"] == 0 && failed["conditions"][0]["reason"] == "SyncFailed"
                && failed["conditions"][0]["message"] == "why")
    }
}
