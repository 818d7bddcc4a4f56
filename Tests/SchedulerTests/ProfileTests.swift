import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// Pods decided as their profile says, with the default policy loaded as the shared library it is.
@Suite struct ProfileTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Of the profile `mine`, as YAML's flow style.
        var profile: String
        var nodes: [Object]
        var others: [Object] = []
        var pod: Object
        /// Where it would go by the default profile, and where by `mine`: a Node's name, or the message.
        var results: (String, String)
    }

    private static func arguments(_ name: String, _ rest: String) -> String { "pluginConfig: [{name: \(name), args: \(rest)}]" }

    private static func only(_ score: String) -> String {
        "plugins: {score: {disabled: [{name: '*'}], enabled: [{name: \(score)}]}, preScore: {enabled: []}}"
    }

    private static let noVictims =
        "no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    private static let notHelpful =
        "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."

    private static let service = Object(["metadata": ["name": "web", "namespace": "default"], "spec": ["selector": ["app": "web"]]])

    private static func beside(_ kind: String, _ term: Value) -> Value {
        ["affinity": ["podAffinity": [kind: [term]]]]
    }
    private static let web: Value = ["topologyKey": "zone", "labelSelector": ["matchLabels": ["app": "web"]]]
    /// The one that is liked better is full.
    private static let tainted = [
        node("a", spec: ["taints": [["key": "k", "effect": "NoSchedule"]]]), node("b", cpu: "64", memory: "64Gi", pods: "0"),
    ]
    private static let neither =
        "0/2 nodes are available: 1 Too many pods, 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
    private static let zones = [node("a", labels: ["zone": "x"]), node("b", cpu: "5", labels: ["zone": "y"])]

    static let rows = [
        Row(
            testDescription: "most allocated", profile: arguments("NodeResourcesFit", "{scoringStrategy: {type: MostAllocated}}"),
            nodes: [node("a"), node("b")], others: [pod("q", cpu: "2", memory: "4Gi", on: "a")], pod: pod("p", cpu: "1", memory: "2Gi"),
            results: ("b", "a")),
        Row(
            testDescription: "a shape that likes full nodes",
            profile: arguments(
                "NodeResourcesFit",
                "{scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: example.com/gpu, weight: 5}], requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}}}"
            ),
            nodes: [node("a", extra: ["example.com/gpu": "4"]), node("b", cpu: "5", extra: ["example.com/gpu": "4"])],
            others: [pod("q", on: "a", spec: asking("example.com/gpu", "2"))], pod: pod("p", spec: asking("example.com/gpu", "1")),
            results: ("b", "a")),
        Row(
            testDescription: "a filter that is off", profile: "plugins: {filter: {disabled: [{name: TaintToleration}]}}",
            nodes: [node("a", spec: ["taints": [["key": "k", "effect": "NoSchedule"]]])], pod: pod("p"),
            results: ("0/1 nodes are available: 1 node(s) had untolerated taint(s). \(notHelpful)", "a")),
        Row(
            testDescription: "weights", profile: "plugins: {score: {enabled: [{name: NodeAffinity, weight: 100}]}}",
            nodes: [node("a", labels: ["disk": "ssd"], spec: ["taints": [["key": "k", "effect": "PreferNoSchedule"]]]), node("b")],
            pod: pod("p", spec: preferring("disk", "ssd")), results: ("b", "a")),
        Row(
            testDescription: "one score alone",
            profile: "plugins: {score: {disabled: [{name: '*'}], enabled: [{name: NodeResourcesFit}]}}",
            nodes: [node("b", cpu: "5", spec: ["taints": [["key": "k", "effect": "PreferNoSchedule"]]]), node("a")]
                + ["c", "d", "e", "f"].map { node($0, cpu: "2") },
            pod: pod("p", cpu: "1"), results: ("a", "b")),
        Row(
            testDescription: "one filter alone",
            profile:
                "plugins: {filter: {disabled: [{name: '*'}], enabled: [{name: NodeResourcesFit}, {name: VolumeBinding}, {name: DynamicResources}]}}",
            nodes: tainted, pod: pod("p", cpu: "1"), results: (neither, "a")),
        Row(
            testDescription: "few plugins and no others",
            profile:
                "plugins: {multiPoint: {disabled: [{name: '*'}], enabled: [{name: PrioritySort}, {name: DefaultBinder}, {name: NodeResourcesFit}]}}",
            nodes: tainted, pod: pod("p", cpu: "1"), results: (neither, "a")),
        Row(
            testDescription: "affinity that is added",
            profile: arguments(
                "NodeAffinity",
                "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: In, values: [blue]}]}]}}}"
            ),
            nodes: [node("a")], pod: pod("p"),
            results: ("a", "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity. \(notHelpful)")),
        Row(
            testDescription: "a preference that is added",
            profile: arguments(
                "NodeAffinity",
                "{addedAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: zone, operator: In, values: [x]}]}}]}}"
            ),
            nodes: zones, pod: pod("p", cpu: "1"), results: ("b", "a")),
        Row(
            testDescription: "resources that are ignored", profile: arguments("NodeResourcesFit", "{ignoredResources: [example.com/gpu]}"),
            nodes: [node("a")], pod: pod("p", spec: asking("example.com/gpu", "1")),
            results: ("0/1 nodes are available: 1 Insufficient example.com/gpu. \(notHelpful)", "a")),
        Row(
            testDescription: "groups of resources that are ignored",
            profile: arguments("NodeResourcesFit", "{ignoredResourceGroups: [example.com]}"),
            nodes: [node("a")], pod: pod("p", spec: asking("example.com/gpu", "1")),
            results: ("0/1 nodes are available: 1 Insufficient example.com/gpu. \(notHelpful)", "a")),
        Row(
            testDescription: "only extended resources can be ignored",
            profile: arguments("NodeResourcesFit", "{ignoredResources: [cpu]}"),
            nodes: [node("a")], pod: pod("p", cpu: "9"),
            results: (
                "0/1 nodes are available: 1 Insufficient cpu. \(notHelpful)", "0/1 nodes are available: 1 Insufficient cpu. \(notHelpful)"
            )),
        Row(
            testDescription: "default constraints that must hold",
            profile: arguments(
                "PodTopologySpread",
                "{defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}"),
            nodes: [node("a", labels: ["zone": "x"]), node("b", labels: ["zone": "y"], spec: ["unschedulable": true])],
            others: [service, pod("q", on: "a", labels: ["app": "web"])], pod: pod("p", labels: ["app": "web"]),
            results: (
                "a",
                "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
            )),
        Row(
            testDescription: "required affinity of others", profile: arguments("InterPodAffinity", "{hardPodAffinityWeight: 0}"),
            nodes: [node("a", labels: ["zone": "x"]), node("b", labels: ["zone": "y"])],
            others: [
                pod("q", cpu: "1", on: "a", spec: beside("requiredDuringSchedulingIgnoredDuringExecution", web), labels: ["app": "web"])
            ],
            pod: pod("p", cpu: "1", labels: ["app": "web"]), results: ("a", "b")),
        Row(
            testDescription: "preferences of others",
            profile: arguments("InterPodAffinity", "{ignorePreferredTermsOfExistingPods: true}"),
            nodes: [node("a", labels: ["zone": "x"]), node("b", labels: ["zone": "y"])],
            others: [
                pod(
                    "q", cpu: "1", on: "a",
                    spec: beside("preferredDuringSchedulingIgnoredDuringExecution", ["weight": 9, "podAffinityTerm": web]))
            ],
            pod: pod("p", cpu: "1", labels: ["app": "web"]), results: ("a", "b")),
        Row(
            testDescription: "nobody makes room", profile: "plugins: {postFilter: {disabled: [{name: DefaultPreemption}]}}",
            nodes: [node("a", pods: "0")], pod: pod("p"),
            results: (
                "0/1 nodes are available: 1 Too many pods. \(noVictims)",
                "0/1 nodes are available: 1 Too many pods. no new claims to deallocate"
            )),
        Row(
            testDescription: "gates that nobody heeds", profile: "plugins: {preEnqueue: {disabled: [{name: SchedulingGates}]}}",
            nodes: [node("a")], pod: pod("p", spec: ["schedulingGates": [["name": "x"]]]), results: ("nothing", "a")),
        Row(
            testDescription: "three resources used evenly",
            profile: only("NodeResourcesBalancedAllocation") + "\n  "
                + arguments("NodeResourcesBalancedAllocation", "{resources: [{name: cpu}, {name: memory}, {name: example.com/gpu}]}"),
            nodes: [node("a", extra: ["example.com/gpu": "8"]), node("b", cpu: "64", memory: "64Gi", extra: ["example.com/gpu": "1"])],
            pod: pod(
                "p",
                spec: ["containers": [["resources": ["requests": ["cpu": "1", "memory": "2Gi", "example.com/gpu": "1"]]]]]),
            results: ("b", "a")),
    ]

    private static func asking(_ resource: String, _ amount: String) -> Value {
        ["containers": [["resources": ["requests": [resource: .string(amount)]]]]]
    }

    private static func preferring(_ key: String, _ value: String) -> Value {
        [
            "affinity": [
                "nodeAffinity": [
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        [
                            "weight": 1,
                            "preference": ["matchExpressions": [["key": .string(key), "operator": "In", "values": [.string(value)]]]],
                        ]
                    ]
                ]
            ]
        ]
    }

    private static func configuration(_ profile: String) throws -> SchedulerConfiguration {
        try SchedulerConfiguration(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- schedulerName: default-scheduler\n- schedulerName: mine\n  \(profile)\n"
        )
    }

    private static func named(_ pod: Object, _ scheduler: String) -> Object {
        var value = pod.value
        value["spec"]["schedulerName"] = .string(scheduler)
        return Object(value)
    }

    @Test func eachProfileDecidesAboutItsOwnPods() async throws {
        let host = try await Policies.load()
        for row in Self.rows {
            for (name, result) in [("default-scheduler", row.results.0), ("mine", row.results.1), ("theirs", "nothing")] {
                let loop = SchedulingLoop(seed: 1, try Self.configuration(row.profile))
                for node in row.nodes { _ = loop.receive(.node(before: nil, after: node), now: 0) }
                for other in row.others {
                    let isPod = other.value["kind"].string == "Pod"
                    _ = loop.receive(
                        isPod ? .pod(before: nil, after: other) : .group(DefaultSpread.services, before: nil, after: other), now: 0)
                }
                _ = loop.receive(.pod(before: nil, after: Self.named(row.pod, name)), now: 0)
                #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)) == result, "\(row.testDescription), \(name)")
            }
        }
        await host.stop()
    }

    @Test func aPolicyMayBeForOneProfileOnly() async throws {
        let host = try await Policies.load(enable: ["policy-binpack"])
        let loop = SchedulingLoop(
            seed: 1, try Self.configuration("plugins: {multiPoint: {disabled: [{name: policy-binpack}]}}"))
        for name in ["a", "b"] { _ = loop.receive(.node(before: nil, after: node(name)), now: 0) }
        _ = loop.receive(.pod(before: nil, after: pod("q", cpu: "1", memory: "2Gi", on: "b")), now: 0)
        _ = loop.receive(.pod(before: nil, after: Self.named(pod("p1", cpu: "1", memory: "2Gi"), "mine")), now: 0)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)) == "a")
        _ = loop.receive(.pod(before: nil, after: pod("r", cpu: "1", memory: "2Gi", on: "b")), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("p2", cpu: "1", memory: "2Gi")), now: 0)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 0)) == "b")
        await host.stop()
    }

    @Test func noMoreNodesAreLookedAtThanTheProfileWants() async throws {
        let host = try await Policies.load()
        let profile = try Self.configuration("percentageOfNodesToScore: 50").profiles[1]
        let columns = NodeColumns()
        for number in 0..<300 { _ = columns.put(node("n\(number)", spec: number % 2 == 0 ? .emptyObject : ["unschedulable": true])) }
        for number in 300..<600 { _ = columns.put(node("n\(number)")) }
        let info = PodInfo(pod("p"))
        let arguments = PodArguments(info, profile: profile, columns: columns)
        let ranking = Ranking()
        var seen: Set<Int> = []
        for _ in 0..<3 {
            host.withSchedulerPolicies { policies in
                columns.withPointer { nodes in
                    arguments.withPointer { needs in
                        let cycle = Cycle(pod: info, needs: needs, nodes: nodes, columns: columns, profile: profile)
                        let failure = ranking.rank(cycle, policies.active)
                        #expect(failure == nil)
                        #expect(ranking.feasible.count == 300)
                        ranking.feasible.visit { seen.insert($0) }
                    }
                }
            }
        }
        // Each search begins where the last one ended, so that all have their turn.
        #expect(seen.count == 450)
        await host.stop()
    }
}
