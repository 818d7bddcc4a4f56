import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// What each score gives by itself, as its formula says, with the default policy loaded as the shared library it is.
@Suite struct PointsTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var plugin: String
        /// Of the plugin, as YAML's flow style.
        var arguments = ""
        var nodes: [Object]
        var there: [Object] = []
        var pod: Object
        /// By Node.
        var points: [String: Int32]
    }

    private static let pair = [node("a"), node("b")]
    private static let zones = ["x", "y", "z"].map { node($0, labels: ["zone": $0]) }
    /// Two Pods in one zone, one in another, none in the third.
    private static let webs = [web("1", on: "x"), web("2", on: "x"), web("3", on: "y")]

    private static func web(_ name: String, on node: String) -> Object { pod("web-\(name)", on: node, labels: ["app": "web"]) }

    private static func term(_ kind: String) -> Value {
        let term: Value = ["topologyKey": "zone", "labelSelector": ["matchLabels": ["app": "web"]]]
        return ["affinity": [kind: ["preferredDuringSchedulingIgnoredDuringExecution": [["weight": 5, "podAffinityTerm": term]]]]]
    }

    private static func preferring(_ labels: [(key: String, weight: Int)]) -> Value {
        let terms: [Value] = labels.map { label in
            [
                "weight": Value(label.weight),
                "preference": ["matchExpressions": [["key": .string(label.key), "operator": "Exists"]]],
            ]
        }
        return ["affinity": ["nodeAffinity": ["preferredDuringSchedulingIgnoredDuringExecution": .array(terms)]]]
    }

    private static func avoided(_ name: String, _ taints: Int) -> Object {
        let taints: [Value] = (0..<taints).map { ["key": .string("k\($0)"), "effect": "PreferNoSchedule"] }
        return node(name, spec: ["taints": .array(taints)])
    }

    /// A thousand mebibytes.
    private static func holding(_ name: String, _ image: String) -> Object {
        var value = node(name).value
        value["status"]["images"] = [["names": [.string(image)], "sizeBytes": .int(1000 << 20)]]
        return Object(value)
    }

    private static let near: Value = ["topologyKey": "zone", "labelSelector": ["matchLabels": ["app": "web"]]]
    private static let half = [pod("q", cpu: "2", memory: "4Gi", on: "a")]
    private static let quarter = pod("p", cpu: "1", memory: "2Gi")

    static let rows = [
        Row(
            testDescription: "what is left", plugin: "NodeResourcesFit", nodes: pair, there: half, pod: quarter,
            points: ["a": 25, "b": 75]),
        Row(
            testDescription: "what is taken", plugin: "NodeResourcesFit", arguments: "{scoringStrategy: {type: MostAllocated}}",
            nodes: pair, there: half, pod: quarter, points: ["a": 75, "b": 25]),
        Row(
            testDescription: "one resource counts thrice", plugin: "NodeResourcesFit",
            arguments: "{scoringStrategy: {type: LeastAllocated, resources: [{name: cpu, weight: 3}, {name: memory, weight: 1}]}}",
            nodes: [node("a"), node("b", cpu: "8")], pod: pod("p", cpu: "1", memory: "6Gi"), points: ["a": 62, "b": 71]),
        Row(
            testDescription: "a shape with a bend", plugin: "NodeResourcesFit",
            arguments:
                "{scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: cpu, weight: 1}], requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 50, score: 10}, {utilization: 100, score: 0}]}}}",
            nodes: pair, there: half, pod: quarter, points: ["a": 50, "b": 50]),
        Row(
            testDescription: "evenness before and after", plugin: "NodeResourcesBalancedAllocation", nodes: pair,
            there: [pod("q", memory: "4Gi", on: "b")], pod: pod("p", cpu: "2"), points: ["a": 62, "b": 87]),
        Row(
            testDescription: "taints that would rather not", plugin: "TaintToleration",
            nodes: [avoided("a", 2), avoided("b", 1), avoided("c", 0)], pod: pod("p"), points: ["a": 0, "b": 50, "c": 100]),
        Row(
            testDescription: "weights of what is liked", plugin: "NodeAffinity",
            nodes: [node("a", labels: ["ssd": "1", "gpu": "1"]), node("b", labels: ["gpu": "1"]), node("c")],
            pod: pod("p", spec: preferring([("ssd", 3), ("gpu", 1)])), points: ["a": 100, "b": 25, "c": 0]),
        // Half of the Nodes have it: 500 of the range from 23 to 1000 MiB.
        Row(
            testDescription: "an image that is there", plugin: "ImageLocality", nodes: [holding("a", "web:1"), node("b")],
            pod: pod("p", spec: ["containers": [["name": "c", "image": "web:1"]]]), points: ["a": 48, "b": 0]),
        Row(
            testDescription: "near Pods, by how many", plugin: "InterPodAffinity", nodes: zones, there: webs,
            pod: pod("p", spec: term("podAffinity")), points: ["x": 100, "y": 50, "z": 0]),
        Row(
            testDescription: "away from Pods, by how many", plugin: "InterPodAffinity", nodes: zones, there: webs,
            pod: pod("p", spec: term("podAntiAffinity")), points: ["x": 0, "y": 50, "z": 100]),
        Row(
            testDescription: "where others want to be near it", plugin: "InterPodAffinity", nodes: zones,
            there: [
                pod(
                    "q", on: "y",
                    spec: ["affinity": ["podAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [near]]]])
            ],
            pod: pod("p", labels: ["app": "web"]), points: ["x": 0, "y": 100, "z": 0]),
        // Of three domains a Pod counts ln 5: 3, 2 and 0 when rounded.
        Row(
            testDescription: "spread over zones", plugin: "PodTopologySpread", nodes: zones, there: webs,
            pod: pod(
                "p",
                spec: [
                    "topologySpreadConstraints": [
                        [
                            "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": ["matchLabels": ["app": "web"]],
                        ]
                    ]
                ]), points: ["x": 0, "y": 33, "z": 100]),
    ]

    private static func configuration(_ row: Row) throws -> SchedulerConfiguration {
        let kept: Set = [row.plugin, "PrioritySort", "DefaultBinder"]
        let others = InTreePlugin.all.map(\.name).filter { !kept.contains($0) }.map { "{name: \($0)}" }.joined(separator: ", ")
        let arguments = row.arguments.isEmpty ? "" : "\n  pluginConfig: [{name: \(row.plugin), args: \(row.arguments)}]"
        return try SchedulerConfiguration(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- schedulerName: default-scheduler\n  plugins: {multiPoint: {disabled: [\(others)]}}\(arguments)\n"
        )
    }

    @Test func eachScoreGivesWhatItsFormulaSays() async throws {
        let host = try await Policies.load()
        for row in Self.rows {
            let loop = SchedulingLoop(seed: 1, try Self.configuration(row))
            for node in row.nodes { _ = loop.receive(.node(before: nil, after: node), now: 0) }
            for pod in row.there { _ = loop.receive(.pod(before: nil, after: pod), now: 0) }
            let record = try #require(loop.consider(row.pod, host))
            let part = try #require(record.parts.firstIndex { $0.score == row.plugin }, "\(row.testDescription)")
            let points = Dictionary(record.candidates.map { ($0.node, $0.points[part]) }, uniquingKeysWith: { $1 })
            #expect(points == row.points, "\(row.testDescription): \(points)")
        }
        await host.stop()
    }
}
