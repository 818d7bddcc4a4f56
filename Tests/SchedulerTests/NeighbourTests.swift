import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// Pod affinity and topology spread of the default policy, against a slow reference: on clusters whose Pods, Nodes and Namespaces come, go
/// and change between decisions, so that what the policy counts has to keep up.
@Suite struct NeighbourTests {
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func everyNodeIsJudgedAsTheReferenceDoes(seed: UInt64) async throws {
        let host = try await Policies.load()
        var cluster = RandomCluster(seed: seed)
        for step in 0..<120 {
            for _ in 0..<cluster.number(3) { cluster.change() }
            let pod = cluster.pod("new-\(step)", on: nil)
            let reference = cluster.reference
            let expected = Dictionary(uniqueKeysWithValues: reference.nodes.map { ($0.name, reference.refusal(pod, $0)) })
            let found = cluster.decide(pod, host)
            let feasible = expected.filter { $0.value == nil }.keys.sorted()
            #expect(found.points.keys.sorted() == feasible, "\(seed)/\(step): \(pod.value["spec"])")
            if feasible.isEmpty, !expected.isEmpty {
                let reasons = Dictionary(expected.values.compactMap { $0 }.map { ($0, 1) }, uniquingKeysWith: +)
                #expect(found.message == FitMessage.noFit(nodes: expected.count, reasons: reasons), "\(seed)/\(step)")
            }
            if feasible.count > 1 {
                // What else there is to prefer is the same for all.
                let points = reference.points(pod, reference.nodes.filter { feasible.contains($0.name) })
                #expect(found.points == points.mapValues { $0 + 400 }, "\(seed)/\(step): \(pod.value["spec"])")
            }
            if cluster.number(2) == 0, let node = feasible.first { cluster.bind(pod, node) }
        }
        await host.stop()
    }

    /// Pods of few templates come again and again while things change: what is kept from one to the next is what would be found out anew.
    @Test(arguments: [UInt64(5), 6, 7, 8])
    func whatIsKeptForEqualPodsIsTrue(seed: UInt64) async throws {
        let host = try await Policies.load()
        var cluster = RandomCluster(seed: seed)
        let templates = (0..<6).map { cluster.pod("template-\($0)", on: nil).value }
        for step in 0..<250 {
            if cluster.number(3) > 0 { cluster.change() }
            var value = templates[cluster.number(templates.count)]
            value["metadata"]["name"] = .string("new-\(step)")
            value["metadata"]["uid"] = .string("new-\(step)")
            let pod = Object(value)
            let kept = cluster.decideWithStanding(pod, host)
            let anew = cluster.decide(pod, host)
            #expect(kept.message == anew.message, "\(seed)/\(step): \(pod.value["spec"])")
            #expect(kept.points.keys.sorted() == anew.points.keys.sorted(), "\(seed)/\(step): \(pod.value["spec"])")
            // Where one Node alone would do, nobody gives points.
            if anew.points.count > 1 { #expect(kept.points == anew.points, "\(seed)/\(step): \(pod.value["spec"])") }
            if cluster.number(3) > 0, let node = anew.points.keys.min() { cluster.bind(pod, node) }
        }
        await host.stop()
    }
}

/// A small cluster, and random things that happen to it.
private struct RandomCluster {
    private var random: UInt64
    private var nodes: [Object] = []
    private var pods: [Object] = []
    private var namespaces: [String: [String: String]] = [:]
    private var named = 0
    private let columns = NodeColumns()
    private var assigned: AssignedPods
    private let decider = Decider(seed: 1)

    init(seed: UInt64) {
        random = seed &* 0x9E37_79B9_7F4A_7C15
        assigned = AssignedPods(columns)
        for name in ["one", "two"] { relabel(name) }
        for _ in 0..<6 { addNode() }
    }

    var reference: NeighbourReference { NeighbourReference(nodes: nodes, pods: pods, namespaces: namespaces) }

    mutating func number(_ below: Int) -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int(random % UInt64(below))
    }

    private mutating func pick<T>(_ choices: [T]) -> T { choices[number(choices.count)] }

    mutating func change() {
        switch number(12) {
        case 0: if nodes.count < DecisionRecord.shown { addNode() }
        case 1: if nodes.count > 2 { removeNode() }
        case 2: relabelNode()
        case 3: relabel(pick(["one", "two"]))
        case 4: if !pods.isEmpty { terminate(number(pods.count)) }
        case 5, 6: if !pods.isEmpty { remove(number(pods.count)) }
        default:
            named += 1
            if let node = nodes.isEmpty ? nil : pick(nodes).name { bind(pod("p\(named)", on: nil), node) }
        }
    }

    /// What the policies say: points by Node that will do, or the message.
    func decide(_ pod: Object, _ host: PluginHost) -> (points: [String: Int64], message: String) {
        let info = PodInfo(pod)
        let arguments = PodArguments(info, columns: columns)
        let ranking = Ranking()
        return host.withSchedulerPolicies { policies in
            arguments.withPointer { needs in
                columns.withPointer { nodes in
                    let failure = ranking.rank(Cycle(pod: info, needs: needs, nodes: nodes, columns: columns), policies.active)
                    if case .refused(let refusal) = failure { return ([:], refusal.message) }
                    var points: [String: Int64] = [:]
                    ranking.feasible.visit { points[columns.name($0)] = ranking.totals[$0] }
                    return (points, "")
                }
            }
        }
    }

    /// The same of what a scheduler keeps between Pods that are alike; there are too few Nodes for some to be left out.
    func decideWithStanding(_ pod: Object, _ host: PluginHost) -> (points: [String: Int64], message: String) {
        let surroundings = Decider.Surroundings(
            columns: columns, assigned: assigned, nominations: Nominations(), budgets: DisruptionBudgets(), profile: .standard,
            volumes: .success(PodVolumes(nothingOf: VolumeObjects())), spreadFrom: nil)
        let info = PodInfo(pod, assigned.templates.template(of: pod))
        let record = host.withSchedulerPolicies { decider.decide(info, surroundings, $0).1 }
        let points = Dictionary(uniqueKeysWithValues: record.candidates.map { ($0.node, $0.total) })
        guard case .none(let message) = record.outcome else { return (points, "") }
        return (points, String(message.prefix { $0 != "." }) + ".")
    }

    mutating func bind(_ pod: Object, _ node: String) {
        var value = pod.value
        value["spec"]["nodeName"] = .string(node)
        let bound = Object(value)
        pods.append(bound)
        _ = assigned.put(bound: bound)
    }

    private mutating func remove(_ index: Int) { assigned.remove(PodKey(pods.remove(at: index))) }

    private mutating func terminate(_ index: Int) {
        var value = pods[index].value
        value["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        pods[index] = Object(value)
        _ = assigned.put(bound: pods[index])
    }

    private mutating func addNode() {
        named += 1
        let new = makeNode("n\(named)")
        nodes.append(new)
        _ = assigned.putNode(new)
    }

    private mutating func makeNode(_ name: String) -> Object {
        var labels = ["kubernetes.io/hostname": name]
        if number(5) > 0 { labels["zone"] = pick(["x", "y", "z"]) }
        if number(3) > 0 { labels["disk"] = pick(["ssd", ""]) }
        return node(name, labels: labels, spec: number(6) == 0 ? ["taints": [["key": "k", "effect": "NoSchedule"]]] : .emptyObject)
    }

    private mutating func relabelNode() {
        let index = number(nodes.count)
        nodes[index] = makeNode(nodes[index].name)
        _ = assigned.putNode(nodes[index])
    }

    /// Its Pods go with it.
    private mutating func removeNode() {
        let gone = nodes.remove(at: number(nodes.count))
        for index in pods.indices.reversed() where pods[index].value["spec"]["nodeName"].string == gone.name { remove(index) }
        assigned.removeNode(gone.name)
    }

    private mutating func relabel(_ namespace: String) {
        namespaces[namespace] = number(2) == 0 ? ["team": pick(["red", "blue"])] : [:]
        let object: Value = ["metadata": ["name": .string(namespace), "labels": Value(namespaces[namespace] ?? [:])]]
        _ = columns.namespaces.put(Object(object))
    }
}

// Pods that ask for company, or for none.
extension RandomCluster {
    mutating func pod(_ name: String, on node: String?) -> Object {
        var spec: Value = ["containers": []]
        if number(5) == 0 { spec["nodeSelector"] = ["disk": "ssd"] }
        if number(3) > 0 { spec["tolerations"] = [["operator": "Exists"]] }
        for kind in ["podAffinity", "podAntiAffinity"] {
            if number(3) == 0 { spec["affinity"][kind]["requiredDuringSchedulingIgnoredDuringExecution"] = .array(some(2) { $0.term() }) }
            if number(2) == 0 {
                spec["affinity"][kind]["preferredDuringSchedulingIgnoredDuringExecution"] = .array(
                    some(2) { ["weight": .int(Int64($0.number(100) + 1)), "podAffinityTerm": $0.term()] })
            }
        }
        if number(2) == 0 { spec["topologySpreadConstraints"] = .array(some(2) { $0.constraint() }) }
        return Object([
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": .string(pick(["one", "two"])), "uid": .string(name), "resourceVersion": "1",
                "labels": Value(labels()),
            ],
            "spec": spec, "status": ["phase": "Pending"],
        ])
    }

    private mutating func some(_ most: Int, _ make: (inout RandomCluster) -> Value) -> [Value] {
        (0..<number(most) + 1).map { _ in make(&self) }
    }

    private mutating func labels() -> [String: String] {
        var labels = ["app": pick(["web", "db", "cache"])]
        if number(2) == 0 { labels["version"] = pick(["1", "2"]) }
        return labels
    }

    private mutating func selector() -> Value {
        switch number(6) {
        case 0: [:]
        case 1: ["matchExpressions": [["key": "version", "operator": .string(pick(["Exists", "DoesNotExist"]))]]]
        case 2: ["matchExpressions": [["key": "app", "operator": .string(pick(["In", "NotIn"])), "values": ["web", "db"]]]]
        default: ["matchLabels": ["app": .string(pick(["web", "db", "cache"]))]]
        }
    }

    private mutating func topologyKey() -> Value { .string(pick(["kubernetes.io/hostname", "zone", "zone", "disk"])) }

    private mutating func term() -> Value {
        var term: Value = ["topologyKey": topologyKey()]
        if number(8) > 0 { term["labelSelector"] = selector() }
        switch number(6) {
        case 0: term["namespaces"] = ["two"]
        case 1: term["namespaceSelector"] = number(2) == 0 ? [:] : ["matchLabels": ["team": "red"]]
        default: break
        }
        if number(4) == 0 { term["matchLabelKeys"] = ["version"] }
        if number(6) == 0 { term["mismatchLabelKeys"] = ["version"] }
        return term
    }

    private mutating func constraint() -> Value {
        var constraint: Value = [
            "topologyKey": topologyKey(), "maxSkew": .int(Int64(number(2) + 1)),
            "whenUnsatisfiable": .string(pick(["DoNotSchedule", "ScheduleAnyway"])), "labelSelector": selector(),
        ]
        if number(4) == 0 { constraint["minDomains"] = .int(Int64(number(4) + 1)) }
        if number(4) == 0 { constraint["matchLabelKeys"] = ["version"] }
        if number(4) == 0 { constraint["nodeAffinityPolicy"] = "Ignore" }
        if number(3) == 0 { constraint["nodeTaintsPolicy"] = "Honor" }
        return constraint
    }
}
