import APIModel
import PluginHost
import Scheduler

/// The cases of upstream's scheduler_perf, with its numbers of Nodes and Pods and beside the Pods a second that upstream expects of its own.
///
/// Here the scheduling loop decides without an API: each decision is assumed and confirmed. Upstream's figure has a server and etcd in it.
struct SchedulerPerfBenchmark {
    /// Where the library is.
    let directory: String
    /// The one case that is run; `nil` for all.
    var only: String?

    private struct Case {
        let name: String
        let nodes: Int
        /// There already, and those that are measured.
        let initial: Int
        let measured: Int
        /// Pods a second.
        let threshold: Int
        var node: (Int) -> (labels: [String: String], spec: Value) = { (["zone": "zone-\($0 % 3)"], .emptyObject) }
        var initialPod: (Int) -> (labels: [String: String], spec: Value) = { _ in ([:], .emptyObject) }
        var pod: (Int) -> (labels: [String: String], spec: Value) = { _ in ([:], .emptyObject) }
        /// Whether it is preemption that is measured.
        var preempts = false
        /// Pods that never fit, tried before the others.
        var hopeless = 0
        /// Pods with a gate, which stays; of the initial ones one goes for each that is measured.
        var gated = 0
        /// Whether a Node has room for all of them.
        var isLarge = false
    }

    private static func term(_ key: String, _ label: [String: String]) -> Value {
        ["topologyKey": .string(key), "labelSelector": ["matchLabels": Value(label)]]
    }
    private static func required(_ kind: String, _ term: Value) -> Value {
        ["affinity": [kind: ["requiredDuringSchedulingIgnoredDuringExecution": [term]]]]
    }
    private static func preferred(_ kind: String, _ term: Value) -> Value {
        ["affinity": [kind: ["preferredDuringSchedulingIgnoredDuringExecution": [["weight": 1, "podAffinityTerm": term]]]]]
    }
    private static func spread(_ action: String, honorsTaints: Bool = false) -> Value {
        var constraint: Value = [
            "maxSkew": 5, "topologyKey": "zone", "whenUnsatisfiable": .string(action), "labelSelector": ["matchLabels": ["color": "blue"]],
        ]
        if honorsTaints { constraint["nodeTaintsPolicy"] = "Honor" }
        return ["topologySpreadConstraints": [constraint]]
    }
    private static func asking(_ cpu: String) -> Value { ["containers": [["resources": ["requests": ["cpu": .string(cpu)]]]]] }

    private static let (green, blue, red) = (["color": "green"], ["color": "blue"], ["color": "red"])
    private static let host = "kubernetes.io/hostname"

    private static var cases: [Case] {
        var all = [Case(name: "SchedulingBasic", nodes: 5000, initial: 1000, measured: 10_000, threshold: 270)]
        func add(_ name: String, _ counts: (Int, Int, Int), _ threshold: Int, _ change: (inout Case) -> Void) {
            var new = Case(name: name, nodes: counts.0, initial: counts.1, measured: counts.2, threshold: threshold)
            change(&new)
            all.append(new)
        }
        add("SchedulingDaemonset", (15_000, 0, 30_000), 390) {
            $0.pod = { index in
                let field: Value = ["key": "metadata.name", "operator": "In", "values": [.string("node-\(index % 15_000)")]]
                return (
                    [:],
                    [
                        "affinity": [
                            "nodeAffinity": [
                                "requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": [["matchFields": [field]]]]
                            ]
                        ]
                    ]
                )
            }
        }
        add("SchedulingPodAntiAffinity", (5000, 1000, 2000), 60) {
            $0.initialPod = { _ in (green, required("podAntiAffinity", term(host, green))) }
            $0.pod = $0.initialPod
        }
        add("SchedulingPodMatchingAntiAffinity", (5000, 1000, 5000), 600) {
            $0.initialPod = { _ in (green, required("podAntiAffinity", term(host, red))) }
            $0.pod = { _ in (green, .emptyObject) }
        }
        add("SchedulingPodAffinity", (5000, 5000, 5000), 35) {
            $0.node = { _ in (["zone": "zone1"], .emptyObject) }
            $0.initialPod = { _ in (blue, required("podAffinity", term("zone", blue))) }
            $0.pod = $0.initialPod
        }
        add("SchedulingPreferredPodAffinity", (5000, 5000, 5000), 90) {
            $0.initialPod = { _ in (red, preferred("podAffinity", term(host, red))) }
            $0.pod = $0.initialPod
        }
        add("SchedulingPreferredPodAntiAffinity", (5000, 5000, 5000), 90) {
            $0.initialPod = { _ in (["color": "yellow"], preferred("podAntiAffinity", term(host, ["color": "yellow"]))) }
            $0.pod = $0.initialPod
        }
        add("SchedulingNodeAffinity", (5000, 5000, 10_000), 220) {
            $0.pod = { _ in ([:], ["nodeSelector": ["zone": "zone-1"]]) }
        }
        add("TopologySpreading", (5000, 5000, 5000), 85) {
            $0.initialPod = { _ in (blue, .emptyObject) }
            $0.pod = { _ in (blue, spread("DoNotSchedule")) }
        }
        add("PreferredTopologySpreading", (5000, 5000, 5000), 125) {
            $0.initialPod = { _ in (blue, .emptyObject) }
            $0.pod = { _ in (blue, spread("ScheduleAnyway")) }
        }
        add("SchedulingWithNodeInclusionPolicy", (5000, 0, 4000), 68) {
            $0.node = { index in
                (
                    ["zone": "zone-\(index % 3)"],
                    index < 1000 ? ["taints": [["key": "foo", "value": "", "effect": "NoSchedule"]]] : .emptyObject
                )
            }
            $0.pod = { _ in (blue, spread("DoNotSchedule", honorsTaints: true)) }
        }
        add("MixedSchedulingBasePod", (5000, 10_000, 5000), 140) {
            $0.node = { _ in (["zone": "zone1"], .emptyObject) }
            let mixed: [(labels: [String: String], spec: Value)] = [
                ([:], .emptyObject), (blue, required("podAffinity", term("zone", blue))),
                (green, required("podAntiAffinity", term(host, green))), (red, preferred("podAffinity", term(host, red))),
                (["color": "yellow"], preferred("podAntiAffinity", term(host, ["color": "yellow"]))),
            ]
            $0.initialPod = { mixed[$0 % 5] }
        }
        add("Unschedulable", (5000, 0, 10_000), 140) { $0.hopeless = 100 }
        add("SchedulingWhileGated", (1, 20_000, 20_000), 130) {
            $0.gated = 10_000
            $0.isLarge = true
        }
        add("PreemptionAsync", (5000, 20_000, 5000), 160) {
            $0.initialPod = { _ in ([:], asking("900m")) }
            $0.pod = { _ in
                var spec = asking("3")
                spec["priority"] = 10
                return ([:], spec)
            }
            $0.preempts = true
        }
        return all
    }

    func run() async throws {
        let cases = Self.cases.filter { only == nil || $0.name == only }
        guard !cases.isEmpty || only == Self.lastInLine else {
            let names = Self.cases.map(\.name) + [Self.lastInLine]
            throw SchedulingBenchmark.Failure(
                description: "there is no case \(only ?? ""): they are \(names.joined(separator: ", "))")
        }
        let host = try await SchedulingBenchmark(directory: directory).policy()
        if only == nil || only == Self.lastInLine { try lastInLine(host) }
        for one in cases {
            let loop = SchedulingLoop(seed: 1)
            for index in 0..<one.nodes {
                _ = loop.receive(.node(before: nil, after: Self.node(index, one.node(index), isLarge: one.isLarge)), now: 0)
            }
            let initial = (0..<one.initial).map { Self.pod("there-\($0)", one.initialPod($0), on: "node-\($0 % one.nodes)") }
            for pod in initial { _ = loop.receive(.pod(before: nil, after: pod), now: 0) }
            for index in 0..<one.gated {
                let spec: Value = ["schedulingGates": [["name": "stays"]]]
                _ = loop.receive(.pod(before: nil, after: Self.pod("gated-\(index)", ([:], spec))), now: 0)
            }
            for index in 0..<one.hopeless {
                _ = loop.receive(.pod(before: nil, after: Self.pod("never-\(index)", ([:], Self.asking("9")))), now: 0)
                _ = loop.cycle(host, now: 0)
            }
            let pods = (0..<one.measured).map { Self.pod("new-\($0)", one.pod($0)) }
            let each = try await Benchmarks.rate(one.name, one.measured) {
                for (index, pod) in pods.enumerated() {
                    _ = loop.receive(.pod(before: nil, after: pod), now: 0)
                    if one.preempts { try displace(loop, host, pod) }
                    try bind(loop, host, pod)
                    if one.gated > 0 { _ = loop.receive(.pod(before: initial[index], after: nil), now: 0) }
                }
            }
            print(
                "    upstream expects \(one.threshold)/s of its own, with an API: here \(Int(1e9 / each) / one.threshold) times as many, without"
            )
        }
        await host.stop()
    }

    private static let lastInLine = "LastInLine"

    /// 10,000 Pods that can never fit, each with its own needs, and behind them one that can: how long that one waits.
    private func lastInLine(_ host: PluginHost) throws {
        let loop = SchedulingLoop(seed: 1)
        for index in 0..<5000 {
            _ = loop.receive(
                .node(before: nil, after: Self.node(index, (["zone": "zone-\(index % 3)"], .emptyObject), isLarge: false)), now: 0)
        }
        for (name, needs) in [("alike", { _ in "9" }), ("all others", { "\(9000 + $0)m" })] as [(String, (Int) -> String)] {
            for index in 0..<10_000 {
                _ = loop.receive(.pod(before: nil, after: Self.pod("\(name)-\(index)", ([:], Self.asking(needs(index))))), now: 0)
            }
            _ = loop.receive(.pod(before: nil, after: Self.pod("\(name)-last", ([:], .emptyObject))), now: 0)
            let start = ContinuousClock.now
            var isBound = false
            while !isBound, let effect = loop.cycle(host, now: 0) { if case .bind = effect { isBound = true } }
            guard isBound else { throw SchedulingBenchmark.Failure(description: "the last Pod in line found no Node") }
            let time = start.duration(to: .now) / .milliseconds(1)
            print("\(Self.lastInLine): behind 10,000 Pods that never fit, \(name), on 5,000 Nodes: \(Int(time.rounded())) ms (aim: 50)")
        }
    }

    /// The Pod finds its Node, and the API says so.
    private func bind(_ loop: SchedulingLoop, _ host: PluginHost, _ pod: Object) throws {
        guard case .bind(_, let node, _) = loop.cycle(host, now: 0) else {
            throw SchedulingBenchmark.Failure(description: "\(pod.name) found no Node")
        }
        var bound = pod.value
        bound["spec"]["nodeName"] = .string(node)
        _ = loop.receive(.pod(before: pod, after: Object(bound)), now: 0)
    }

    /// The Pod finds others that have to go for it, and they go.
    private func displace(_ loop: SchedulingLoop, _ host: PluginHost, _ pod: Object) throws {
        guard case .unschedulable(_, _, .node(_, let victims, _)) = loop.cycle(host, now: 0) else {
            throw SchedulingBenchmark.Failure(description: "\(pod.name) displaced nobody")
        }
        for victim in victims { _ = loop.receive(.pod(before: victim, after: nil), now: 0) }
    }

    private static func node(_ index: Int, _ own: (labels: [String: String], spec: Value), isLarge: Bool) -> Object {
        var labels = own.labels
        labels[host] = "node-\(index)"
        return Object([
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string("node-\(index)"), "labels": Value(labels)],
            "spec": own.spec,
            "status": [
                "allocatable": isLarge
                    ? ["cpu": "4000", "memory": "32Ti", "pods": "50000"] : ["cpu": "4", "memory": "32Gi", "pods": "110"]
            ],
        ])
    }

    private static func pod(_ name: String, _ own: (labels: [String: String], spec: Value), on node: String? = nil) -> Object {
        var spec = own.spec
        if spec["containers"].isNull { spec["containers"] = [["resources": ["requests": ["cpu": "100m", "memory": "500Mi"]]]] }
        if let node { spec["nodeName"] = .string(node) }
        return Object([
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string(name), "resourceVersion": "1", "labels": Value(own.labels),
            ],
            "spec": spec, "status": ["phase": "Pending"],
        ])
    }
}
