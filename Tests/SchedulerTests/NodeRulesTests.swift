import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// Filters and scores of the default policy that look at a Pod and a Node alone, against a slow reference: none lets through what the
/// reference refuses, none refuses what it lets through, and every score is the same.
@Suite struct NodeRulesTests {
    @Test(arguments: [UInt64(1), 2, 3])
    func everyNodeIsJudgedAsTheReferenceDoes(seed: UInt64) async throws {
        let host = try await Policies.load()
        var random = Dice(seed: seed)
        let columns = NodeColumns()
        var assigned = AssignedPods(columns)
        let nodes = (0..<9).map { random.makeNode("n\($0)") }
        for node in nodes { _ = assigned.putNode(node) }
        var reference = NodeReference(nodes: nodes, pods: [])
        for step in 0..<150 {
            let pod = random.makePod("p\(step)")
            let expected = nodes.map { ($0, reference.refusal(pod, $0)) }
            let feasible = expected.filter { $0.1 == nil }.map(\.0)
            let points = reference.points(pod, feasible)
            let found = Self.decide(pod, columns, host)
            #expect(found.points.keys.sorted() == feasible.map(\.name).sorted(), "\(seed)/\(step): \(pod.value["spec"])")
            if feasible.count > 1 {
                for (node, scores) in found.points { #expect(scores == points[node], "\(seed)/\(step), \(node): \(pod.value["spec"])") }
            }
            for (node, reasons) in found.refused {
                let first = try #require(expected.first { $0.0.name == node }?.1)
                #expect(reasons.contains(first), "\(seed)/\(step), \(node)")
            }
            guard let node = feasible.randomElement(using: &random) else { continue }
            var bound = pod.value
            bound["spec"]["nodeName"] = .string(node.name)
            reference.pods.append(Object(bound))
            _ = assigned.put(bound: Object(bound))
        }
        #expect(reference.pods.count > 20)
        await host.stop()
    }

    private static func decide(_ pod: Object, _ columns: NodeColumns, _ host: PluginHost) -> (
        points: [String: [String: Int]], refused: [String: [String]]
    ) {
        let info = PodInfo(pod)
        let arguments = PodArguments(info, columns: columns)
        let ranking = Ranking()
        return host.withSchedulerPolicies { policies in
            arguments.withPointer { needs in
                columns.withPointer { nodes in
                    let cycle = Cycle(pod: info, needs: needs, nodes: nodes, columns: columns)
                    let isRefused = ranking.rank(cycle, policies.active) != nil
                    var points: [String: [String: Int]] = [:]
                    if !isRefused {
                        let account = ranking.account(cycle, policies.active)
                        ranking.feasible.visit { points[columns.name($0)] = [:] }
                        for (row, part) in account.parts.enumerated() {
                            for (index, best) in account.best.enumerated() {
                                points[best.node]?[part.score] = Int(account.points[row * account.best.count + index])
                            }
                        }
                    }
                    let refused = Ranking.refusals(cycle, policies.active, outside: isRefused ? nil : ranking.feasible)
                    return (points, Dictionary(uniqueKeysWithValues: refused.map { ($0.node, $0.reasons) }))
                }
            }
        }
    }
}

/// Random Nodes and Pods.
private struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    private mutating func number(_ below: Int) -> Int { Int(next() % UInt64(below)) }
    private mutating func pick<T>(_ choices: [T]) -> T { choices[number(choices.count)] }

    mutating func makeNode(_ name: String) -> Object {
        var labels = ["rank": "\(number(9))"]
        if number(3) > 0 { labels["disk"] = pick(["ssd", "hdd"]) }
        let taints: [Value] = (0..<number(3)).map { index in
            ["key": .string("k\(index)"), "value": .string(pick(["v", ""])), "effect": .string(pick(["NoSchedule", "PreferNoSchedule"]))]
        }
        let spec: Value = ["taints": .array(taints), "unschedulable": .bool(number(8) == 0)]
        return node(
            name, cpu: pick(["1", "2", "3500m"]), memory: pick(["2Gi", "4Gi"]), pods: pick(["5", "110"]), labels: labels, spec: spec,
            extra: number(3) == 0 ? ["example.com/gpu": "2"] : [:])
    }

    mutating func makePod(_ name: String) -> Object {
        let containers: [Value] = (0...number(2)).map { _ in
            var requests: Value = .emptyObject
            if number(4) > 0 { requests["cpu"] = .string(pick(["50m", "250m", "1"])) }
            if number(4) > 0 { requests["memory"] = .string(pick(["64Mi", "300M", "1Gi"])) }
            if number(8) == 0 { requests["example.com/gpu"] = "1" }
            var container: Value = ["resources": ["requests": requests]]
            if number(5) == 0 {
                container["ports"] = [
                    [
                        "hostPort": .int(Int64(pick([80, 81]))), "hostIP": .string(pick(["", "0.0.0.0", "10.0.0.1", "::"])),
                        "protocol": .string(pick(["TCP", "UDP"])),
                    ]
                ]
            }
            return container
        }
        var spec: Value = ["containers": .array(containers)]
        if number(5) == 0 { spec["nodeSelector"] = ["disk": .string(pick(["ssd", "hdd"]))] }
        var affinity: Value = .emptyObject
        if number(3) == 0 {
            affinity["requiredDuringSchedulingIgnoredDuringExecution"] = ["nodeSelectorTerms": .array((0...number(2)).map { _ in term() })]
        }
        if number(2) == 0 {
            affinity["preferredDuringSchedulingIgnoredDuringExecution"] = .array(
                (0...number(2)).map { _ in ["weight": .int(Int64(number(100) + 1)), "preference": term()] })
        }
        spec["affinity"] = ["nodeAffinity": affinity]
        spec["tolerations"] = .array((0..<number(3)).map { _ in toleration() })
        return pod(name, spec: spec)
    }

    private mutating func term() -> Value {
        let requirement: Value =
            switch number(5) {
            case 0: ["key": "disk", "operator": "In", "values": ["ssd"]]
            case 1: ["key": "disk", "operator": "NotIn", "values": ["ssd"]]
            case 2: ["key": "disk", "operator": .string(pick(["Exists", "DoesNotExist"]))]
            default: ["key": "rank", "operator": .string(pick(["Gt", "Lt"])), "values": [.string("\(number(9))")]]
            }
        return ["matchExpressions": [requirement]]
    }

    private mutating func toleration() -> Value {
        var toleration: Value = ["operator": .string(pick(["Exists", "Equal"]))]
        if number(4) > 0 || toleration["operator"].string == "Equal" {
            toleration["key"] = .string(pick(["k0", "k1", "node.kubernetes.io/unschedulable"]))
        }
        if toleration["operator"].string == "Equal" { toleration["value"] = .string(pick(["v", ""])) }
        if number(2) == 0 { toleration["effect"] = .string(pick(["NoSchedule", "PreferNoSchedule", "NoExecute"])) }
        return toleration
    }
}
