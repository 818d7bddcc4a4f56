import APIModel
import PluginKit
import Testing

@testable import ControllerHorizontalPodAutoscaler

/// How many Pods a metric asks for. Pods and metrics are written as in `AutoscalerPlanTests`, metrics in thousandths here; `ax` has failed.
@Suite struct ReplicaCountTests {
    private static let now = AutoscalerPlanTests.now

    /// What one case sets out from: `current` is the size that is asked for, where it is not that of the Pods.
    struct Case: Sendable, CustomTestStringConvertible {
        var pods: String
        var metrics: String
        var target: Whole
        var expected: String
        var current: Whole?
        var requests: [String] = []
        var tolerance = ReplicaCount.Tolerance()

        init(
            _ pods: String, _ metrics: String, _ target: Whole, _ expected: String, current: Whole? = nil, requests: [String] = [],
            down: Double = 0.1, up: Double = 0.1
        ) {
            (self.pods, self.metrics, self.target, self.expected) = (pods, metrics, target, expected)
            (self.current, self.requests, self.tolerance) = (current, requests, .init(down: down, up: up))
        }

        var testDescription: String { "\(pods) | \(metrics) to \(target)" }

        var counter: ReplicaCount {
            let all = pods.split(separator: " ").enumerated().map { index, word in
                var pod = AutoscalerPlanTests.pod(String(word))
                if word.contains("x") { pod["status"]["phase"] = "Failed" }
                if !requests.isEmpty { pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = .string(requests[index]) }
                return pod
            }
            let counted = all.count { $0["status"]["phase"] != "Failed" && $0["metadata"]["deletionTimestamp"].isNull }
            return ReplicaCount(current: current ?? Whole(counted), pods: all, now: now, tolerance: tolerance)
        }

        var read: [String: PodMetric] {
            AutoscalerPlanTests.metrics(metrics).mapValues { PodMetric(value: $0.value / 10, time: $0.time, window: $0.window) }
        }
    }

    /// What comes out, or why nothing does.
    private func told(_ body: () throws -> String) -> String {
        do { return try body() } catch { return "\(error)" }
    }

    /// The number, and the share and the average of each Pod that are shown.
    @Test(arguments: [
        Case("a", "z:100", 100, "no metrics returned matched known pods"),
        Case("a b c", "a:300 b:500 c:700", 30, "5 50 500"), Case("a? b c", "a:300 b:500 c:700", 30, "4 60 600"),
        Case("a~ b c", "a:300 b:500 c:700", 30, "4 60 600"), Case("a b? c?", "a:400 b:500 c:700", 30, "3 40 400"),
        Case("a b~? c~?", "a:400 b:500 c:700", 30, "3 40 400"), Case("a b cx dx", "a:500 b:700", 30, "4 60 600"),
        Case("a b c?- d?-", "a:500 b:700", 30, "4 60 600"),
        Case("a b c d e", "a:100 b:300 c:500 d:250 e:250", 50, "3 28 280"),
        Case("a b c d? e?", "a:100 b:300 c:500 d:250 e:250", 50, "2 30 300"), Case("a b. c. d. e.", "a:100", 50, "1 10 100"),
        Case("a b. c. d. e.", "a:100 b:300 c:500 d:250 e:250", 50, "1 10 100"),
        Case("a b c d~ e~", "a:100 b:300 c:500 d:1000 e:1000", 50, "2 30 300"),
        Case("a b c d e fx gx", "a:100 b:300 c:500 d:250 e:250", 50, "3 28 280"),
        Case("a b c d e f?- g?-", "a:100 b:300 c:500 d:250 e:250", 50, "3 28 280"),
        Case("a b c", "a:1010 b:1030 c:1020", 100, "3 102 1020", requests: ["0.9", "1", "1.1"]),
        Case("a b c", "a:909 b:1010 c:1111", 100, "4 101 1010", requests: ["0.9", "1", "1.1"], down: 0, up: 0),
        Case("a b c", "a:1890 b:1910 c:1900", 100, "3 190 1900", requests: ["0.9", "1", "1.1"], up: 2),
        Case("a b c", "a:1100 b:1080 c:1090", 100, "4 109 1090", requests: ["0.9", "1", "1.1"], down: 2, up: 0.08),
        Case("a b c", "a:660 b:640 c:650", 100, "3 65 650", requests: ["0.9", "1", "1.1"], down: 0.36),
        Case("a b c", "a:660 b:640 c:650", 100, "2 65 650", requests: ["0.9", "1", "1.1"], down: 0.34),
        Case("a b c d", "a:4000 b:9500 c:3000 d:7000 e:3200 f:2000", 100, "24 587 5875"),
        Case("a b c d", "a:400 b:95", 100, "3 24 247"), Case("a b", "a:1000", 100, "2 100 1000"), Case("a b", "a:1900", 100, "2 190 1900"),
        Case("a b", "a:600", 100, "2 60 600"), Case("a? b c", "a:100 b:450", 50, "3 45 450"), Case("a~ b c", "a:100 b:450", 50, "3 45 450"),
        Case("a? b c", "a:100 b:2000", 50, "4 200 2000"), Case("a~? b c", "a:100 b:2000", 50, "4 200 2000"),
        Case("a? b c d", "a:100 b:100 c:100", 50, "3 10 100"),
        Case("a? b c d", "a:400 b:200 c:200", 300, "2 6 200", requests: ["2", "2", "4", "4"]),
        Case("a b c", "a:100 b:100", 50, "2 10 100", current: 2),
    ])
    func byUtilization(_ one: Case) {
        let result = told {
            let found = try one.counter.byUtilization(one.read, resource: "cpu", container: nil, target: one.target)
            return "\(found.replicas) \(found.utilization) \(found.average)"
        }
        #expect(result == one.expected)
    }

    /// A metric of each Pod's own, towards an average: that a Pod is not ready, or new, says nothing of it.
    @Test(arguments: [
        Case("a b c", "a:20000 b:10000 c:30000", 15000, "4 20000"), Case("a b c~?", "a:50000 b:10000 c:30000", 15000, "6 30000"),
        Case("a~? b c~?", "a:50000 b:15000 c:30000", 15000, "7 31666"),
        Case("a b c d e", "a:12000 b:12000 c:12000 d:12000 e:12000", 20000, "3 12000"),
        Case("a b c", "a:20000 b:21000 c:21000", 20000, "3 20666"), Case("a b c", "a:20000 b:21000 c:21000", 20000, "4 20666", up: 0.01),
        Case("a b c d e", "a:20000 b:19000 c:21000", 20000, "5 20000"), Case("a b c", "a:10000 b:10000", 17000, "2 10000", current: 2),
        Case("a", "a:8600", 4400, "2 8600"),
    ])
    func byAverage(_ one: Case) {
        let result = told {
            let found = try one.counter.byAverage(one.read, resource: "", target: one.target)
            return "\(found.replicas) \(found.average)"
        }
        #expect(result == one.expected)
    }

    /// One number of all Pods, against a value of it: only the ready ones bear it.
    @Test(
        arguments: [
            ("a b c", 20000, 15000, 0.1, 4), ("a? b c?", 50000, 10000, 0.1, 5), ("a? b c?", 8600, 4400, 0.1, 2),
            ("a b c d e", 12000, 20000, 0.1, 3), ("a b c d e", 8600, 14334, 0.1, 3), ("a b c", 20666, 20000, 0.1, 3),
            ("a b c", 8600, 8888, 0.1, 3), ("a b c", 20666, 20000, 0.01, 4), ("a b c", 8900, 8800, 0.01, 4),
            ("a b c", .max, 1, 0.1, Whole(Int32.max)), ("a b c", .max, .max, 0.1, 3),
        ] as [(String, Whole, Whole, Double, Whole)])
    func byValue(pods: String, usage: Whole, target: Whole, up: Double, expected: Whole) throws {
        #expect(try Case(pods, "", target, "", up: up).counter.byRatio(Double(usage) / Double(target)) == expected)
    }

    /// One number of all Pods, against an average of each. What is shown may be larger than any number of Pods.
    @Test(
        arguments: [
            (3, 20000, 5000, 0.1, 4, 6667), (3, 8600, 2150, 0.1, 4, 2867), (5, 6000, 2000, 0.1, 3, 1200), (5, 8600, 2867, 0.1, 3, 1720),
            (4, 20166, 5000, 0.1, 4, 5042), (3, 8600, 2900, 0.1, 3, 2867), (4, 20208, 5000, 0.01, 5, 5052), (3, 8600, 2800, 0.01, 4, 2867),
            (1, .max, 1, 0.1, Whole(Int32.max), .max), (1, .max, .max, 0.1, 1, .max),
            (2, 8_000_000_000, 1_000_000_000, 0.1, 8, 4_000_000_000),
        ] as [(Whole, Whole, Whole, Double, Whole, Whole)])
    func byShare(replicas: Whole, usage: Whole, target: Whole, up: Double, expected: Whole, shown: Whole) {
        let counter = ReplicaCount(current: replicas, pods: [], now: Self.now, tolerance: .init(down: 0.1, up: up))
        #expect(counter.byShare(usage, of: replicas, target: target) == (expected, shown))
    }

    /// Whether a Pod's load counts: its start, since when it is what it is, its metric's end and window, all in seconds before now.
    @Test(
        arguments: [
            ("True", 60, 30, 0, 30, true), ("True", 60, 30, 0, 60, false), ("False", 60, 54, 0, 60, false),
            ("True", 600, 600, 120, 60, true),
            ("False", 600, 540, 0, 60, true), ("False", 600, 594, 0, 60, false), ("False", 600, 570, 0, 60, true),
        ] as [(String, Whole, Whole, Whole, Whole, Bool)])
    func whoIsStillStarting(ready: String, started: Whole, since: Whole, end: Whole, window: Whole, counts: Bool) {
        func time(_ ago: Whole) -> Value { .string(Timestamp.format(seconds: Self.now - ago)) }
        var pod = AutoscalerPlanTests.pod("a")
        pod["status"]["startTime"] = time(started)
        pod["status"]["conditions"] = [["type": "Ready", "status": .string(ready), "lastTransitionTime": time(since)]]
        let metric = PodMetric(value: 1000, time: Self.now - end, window: window)
        let counter = ReplicaCount(current: 1, pods: [pod], now: Self.now)
        let found = try? counter.byUtilization(["a": metric], resource: "cpu", container: nil, target: 50)
        #expect(found?.replicas == (counts ? 2 : nil))
        // Of memory it always does.
        #expect((try? counter.byUtilization(["a": metric], resource: "memory", container: nil, target: 50))?.replicas == 2)
    }

    private static func container(_ name: String, _ request: String?, sidecar: Bool = false) -> Value {
        [
            "name": .string(name), "restartPolicy": sidecar ? "Always" : .null,
            "resources": ["requests": request.map { ["cpu": .string($0)] } ?? .null],
        ]
    }

    /// What a Pod asks for, seen by what share of it one processor is.
    @Test(
        arguments: [
            ([container("one", "100m"), container("two", "50m")], [], [:], nil, "150"),
            ([container("one", "100m"), container("two", "50m")], [], ["cpu": "800m"], nil, "800"),
            ([container("one", nil), container("two", "50m")], [], [:], nil, "missing request for cpu in container one of Pod a"),
            ([container("one", nil), container("two", "50m")], [], ["cpu": "800m"], nil, "800"),
            ([container("one", nil), container("two", "50m")], [], ["memory": "1Gi"], nil, "50"),
            ([container("one", nil)], [], ["memory": "1Gi"], nil, "missing pod-level request for cpu in Pod a"),
            ([container("one", "100m"), container("two", "50m")], [], ["cpu": "800m"], "one", "100"),
            ([container("one", "100m")], [container("first", "20m"), container("aside", "50m", sidecar: true)], [:], nil, "150"),
            ([container("one", "100m")], [container("aside", "50m", sidecar: true)], [:], "aside", "50"),
            ([container("one", "100m")], [], [:], "none", "container none not found in Pod a"),
        ] as [([Value], [Value], Value, String?, String)])
    func requests(containers: [Value], first: [Value], whole: Value, container: String?, expected: String) {
        var pod = AutoscalerPlanTests.pod("a")
        pod["spec"] = [
            "containers": .array(containers), "initContainers": .array(first), "resources": whole.isEmpty ? .null : ["requests": whole],
        ]
        let counter = ReplicaCount(current: 1, pods: [pod], now: Self.now)
        let metric = PodMetric(value: 120_000, time: Self.now - 5, window: 30)
        let result = told {
            let share = try counter.byUtilization(["a": metric], resource: "cpu", container: container, target: 50).utilization
            return "\(Whole(12_000_000) / share)"
        }
        #expect(result == expected)
    }
}
