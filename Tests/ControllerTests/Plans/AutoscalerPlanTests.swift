import APIModel
import PluginKit
import Testing

@testable import ControllerHorizontalPodAutoscaler

@Suite struct AutoscalerPlanTests {
    static let now: Whole = 1_800_000_000

    /// `a` is ready since long, `a?` is not, `a-` is going, `a.` is pending, `a~` has just started.
    static func pod(_ word: String) -> Value {
        let since = Timestamp.format(seconds: word.contains("~") ? now - 10 : now - 1000)
        return [
            "metadata": [
                "name": .string(String(word.prefix(1))), "deletionTimestamp": word.contains("-") ? "2027-01-01T00:00:00Z" : .null,
            ], "spec": ["containers": [["name": "c", "resources": ["requests": ["cpu": "1", "memory": "1"]]]]],
            "status": [
                "phase": word.contains(".") ? "Pending" : "Running", "startTime": .string(since),
                "conditions": [["type": "Ready", "status": word.contains("?") ? "False" : "True", "lastTransitionTime": .string(since)]],
            ],
        ]
    }

    /// In percent of a core, by pod.
    static func metrics(_ text: String) -> [String: PodMetric] {
        Dictionary(
            uniqueKeysWithValues: text.split(separator: " ").map { word in
                let parts = word.split(separator: ":")
                return (String(parts[0]), PodMetric(value: (Whole(parts[1]) ?? 0) * 10, time: now - 5, window: 30))
            })
    }

    private func counter(_ pods: String, tolerance: ReplicaCount.Tolerance = .init()) -> ReplicaCount {
        let all = pods.split(separator: " ").map { Self.pod(String($0)) }
        return ReplicaCount(current: Whole(all.count), pods: all, now: Self.now, tolerance: tolerance)
    }

    @Test(
        arguments: [
            // Towards 50 percent.
            ("a b c", "a:50 b:50 c:50", "3"), ("a b c", "a:100 b:100 c:100", "6"), ("a b c", "a:52 b:52 c:52", "3"),
            ("a b c", "a:10 b:10 c:10", "1"),
            ("a b c", "a:60 b:60 c:60", "4"), ("a b", "a:0 b:0", "0"),
            // One that tells nothing is idle on the way up, and busy on the way down.
            ("a b c", "a:100 b:100", "4"), ("a b c", "a:10 b:10", "3"), ("a b c", "a:60 b:60", "3"),
            // One that is not ready is idle on the way up, and nobody on the way down.
            ("a b c.", "a:100 b:100", "4"), ("a b c~", "a:100 b:100 c:900", "4"), ("a b c.", "a:20 b:20", "1"),
            // One that goes counts for nothing.
            ("a b c-", "a:100 b:100 c:900", "4"),
            ("a", "", "did not receive metrics for targeted pods (pods might be unready)"),
            ("", "a:1", "no pods returned by selector while calculating replica count"),
        ] as [(String, String, String)])
    func utilization(pods: String, metrics: String, expected: String) {
        let result: String
        do throws(ReplicaCount.Problem) {
            result = String(
                try counter(pods).byUtilization(Self.metrics(metrics), resource: "cpu", container: nil, target: 50).replicas)
        } catch { result = error.description }
        #expect(result == expected)
    }

    @Test func others() throws {
        let three = counter("a b c")
        #expect(try three.byAverage(Self.metrics("a:20 b:40 c:60"), resource: "memory", target: 200) == (6, 400))
        #expect(try three.byRatio(1.05) == 3 && three.byRatio(2) == 6 && counter("a b c?").byRatio(2) == 4)
        #expect(three.byShare(9000, of: 3, target: 1000) == (9, 3000) && three.byShare(3100, of: 3, target: 1000) == (3, 1034))
        #expect(try ReplicaCount(current: 0, pods: [], now: 0).byRatio(2.5) == 3)
        let patient = counter("a b c", tolerance: .init(down: 0.5, up: 0.01))
        #expect(try patient.byUtilization(Self.metrics("a:30 b:30 c:30"), resource: "cpu", container: nil, target: 50).replicas == 3)
        #expect(try patient.byUtilization(Self.metrics("a:51 b:51 c:51"), resource: "cpu", container: nil, target: 50).replicas == 4)
        #expect(throws: ReplicaCount.Problem("missing request for gpu in container c of Pod a")) {
            try three.byUtilization(Self.metrics("a:1"), resource: "gpu", container: nil, target: 50)
        }
        #expect(throws: ReplicaCount.Problem("container x not found in Pod a")) {
            try three.byUtilization(Self.metrics("a:1"), resource: "cpu", container: "x", target: 50)
        }
    }

    private func scale(_ behavior: Value, _ current: Whole, to wanted: Whole, _ history: Scaling.History = .init()) -> String {
        let result = Scaling(behavior: behavior, least: 2, most: 20, current: current, history: history, now: Self.now).result(for: wanted)
        return "\(result.replicas) \(result.stabilized?.reason ?? "-") \(result.isLimited ? result.limit.reason : "-")"
    }

    static func entries(_ entries: [(ago: Whole, replicas: Whole)]) -> [Scaling.History.Entry] {
        entries.map { Scaling.History.Entry(time: now - $0.ago, replicas: $0.replicas) }
    }

    static func behavior(_ direction: String, _ policies: [Value], window: Int = 0, select: String = "Max") -> Value {
        let rules: Value = ["policies": .array(policies), "stabilizationWindowSeconds": Value(window), "selectPolicy": .string(select)]
        let free: Value = ["policies": [["type": "Percent", "value": 1000, "periodSeconds": 15]], "stabilizationWindowSeconds": 0]
        return direction == "up" ? ["scaleUp": rules, "scaleDown": free] : ["scaleUp": free, "scaleDown": rules]
    }

    static func policy(_ type: String, _ value: Int, _ period: Int) -> Value {
        ["type": .string(type), "value": Value(value), "periodSeconds": Value(period)]
    }

    @Test func withoutBehavior() {
        #expect(
            scale(.null, 5, to: 7) == "7 - -" && scale(.null, 5, to: 19) == "10 - ScaleUpLimit"
                && scale(.null, 2, to: 9) == "4 - ScaleUpLimit")
        #expect(scale(.null, 15, to: 25) == "20 - TooManyReplicas" && scale(.null, 5, to: 1) == "2 - TooFewReplicas")
        let recent = Scaling.History(recommendations: Self.entries([(400, 15), (200, 4)]))
        #expect(scale(.null, 5, to: 3, recent) == "4 ScaleDownStabilized -")
    }

    @Test func policiesLimitThePace() {
        let up = Self.behavior("up", [Self.policy("Pods", 4, 60), Self.policy("Percent", 50, 60)])
        #expect(scale(up, 4, to: 20) == "8 - ScaleUpLimit" && scale(up, 12, to: 20) == "18 - ScaleUpLimit")
        // What was added in the period counts.
        #expect(scale(up, 8, to: 20, .init(ups: Self.entries([(30, 3), (90, 5)]))) == "9 - ScaleUpLimit")
        #expect(
            scale(Self.behavior("up", [Self.policy("Pods", 4, 60), Self.policy("Percent", 50, 60)], select: "Min"), 4, to: 20)
                == "6 - ScaleUpLimit")
        #expect(scale(Self.behavior("up", [Self.policy("Pods", 4, 60)], select: "Disabled"), 4, to: 20) == "4 - ScaleUpLimit")
        let down = Self.behavior("down", [Self.policy("Pods", 1, 60), Self.policy("Percent", 50, 60)])
        #expect(scale(down, 10, to: 2) == "5 - ScaleDownLimit" && scale(down, 3, to: 1) == "2 - TooFewReplicas")
        #expect(scale(down, 5, to: 2, .init(downs: Self.entries([(30, 5)]))) == "5 - ScaleDownLimit")
    }

    @Test func windowsHoldBack() {
        let up = Self.behavior("up", [Self.policy("Pods", 20, 60)], window: 60)
        #expect(scale(up, 4, to: 9, .init(recommendations: Self.entries([(30, 6), (90, 4)]))) == "6 ScaleUpStabilized -")
        let down = Self.behavior("down", [Self.policy("Pods", 20, 60)], window: 60)
        #expect(scale(down, 9, to: 3, .init(recommendations: Self.entries([(30, 6), (90, 9)]))) == "6 ScaleDownStabilized -")
    }

    /// Two that are for the same Pods are told of, whichever looks; one that went is forgotten.
    @Test func autoscalersThatShareTheirPods() throws {
        let selectors = Selectors()
        func note(_ selector: String, _ name: String, _ namespace: String = "default") throws -> [String] {
            let pods: Set = [["app": "web", "track": "stable"], ["app": "web", "track": "canary"]]
            return selectors.note(try LabelSelector(parsing: selector), of: name, in: namespace, choosing: pods)
        }
        #expect(try note("app=web", "web") == ["web"])
        #expect(try note("app=db", "db") == ["web"])
        #expect(try note("app=web", "other", "elsewhere") == ["other"])
        #expect(try note("track in (canary)", "canary") == ["canary", "web"])
        #expect(try note("app=web", "web") == ["canary", "web"])
        selectors.forget("canary", in: "default")
        #expect(try note("app=web", "web") == ["web"])
    }
}
