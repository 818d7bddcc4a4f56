import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// The loop with the default policy, loaded as the shared library it is.
@Suite struct SchedulingLoopTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var nodes: [Object]
        var bound: [Object] = []
        var pod: Object
        /// A Node's name, or the message.
        var result: String
    }

    private static let notHelpful = "Preemption is not helpful for scheduling."
    private static let noVictims = "No preemption victims found for incoming pod."

    private static let urgent: Value = ["priority": 10, "containers": [["resources": ["requests": ["cpu": "2"]]]]]
    private static let modest: Value = [
        "priority": 10, "preemptionPolicy": "Never", "containers": [["resources": ["requests": ["cpu": "2"]]]],
    ]

    static let rows = [
        Row(testDescription: "one node", nodes: [node("a")], pod: pod("p", cpu: "1"), result: "a"),
        Row(testDescription: "no nodes", nodes: [], pod: pod("p"), result: "no nodes available to schedule pods"),
        Row(
            testDescription: "cpu and memory", nodes: [node("a", cpu: "1", memory: "1Gi"), node("b", cpu: "1")],
            pod: pod("p", cpu: "2", memory: "2Gi"),
            result:
                "0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 \(notHelpful)"
        ),
        Row(
            testDescription: "too many pods", nodes: [node("a", pods: "1")], bound: [pod("q", on: "a")], pod: pod("p"),
            result:
                "0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(noVictims)"
        ),
        Row(
            testDescription: "a finished pod holds nothing", nodes: [node("a", pods: "1")], bound: [pod("q", on: "a", phase: "Succeeded")],
            pod: pod("p"), result: "a"),
        Row(
            testDescription: "extended resource that nobody has", nodes: [node("a")],
            pod: pod("p", spec: ["containers": [["resources": ["requests": ["example.com/gpu": "1"]]]]]),
            result:
                "0/1 nodes are available: 1 Insufficient example.com/gpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(notHelpful)"
        ),
        Row(
            testDescription: "what would fit were it not for others", nodes: [node("a", cpu: "2")], bound: [pod("q", cpu: "1", on: "a")],
            pod: pod("p", cpu: "2"),
            result:
                "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(noVictims)"
        ),
        Row(
            testDescription: "what would fit were it not for others of lower priority", nodes: [node("a", cpu: "2")],
            bound: [pod("q", cpu: "1", on: "a")], pod: pod("p", spec: urgent),
            result: "0/1 nodes are available: 1 Insufficient cpu. -q@a"),
        Row(
            testDescription: "who never preempts", nodes: [node("a", cpu: "2")], bound: [pod("q", cpu: "1", on: "a")],
            pod: pod("p", spec: modest),
            result:
                "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never."
        ),
        Row(
            testDescription: "taint", nodes: [node("a", spec: ["taints": [["key": "k", "value": "v", "effect": "NoSchedule"]]])],
            pod: pod("p"),
            result:
                "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(notHelpful)"
        ),
        Row(
            testDescription: "tolerated taint", nodes: [node("a", spec: ["taints": [["key": "k", "value": "v", "effect": "NoSchedule"]]])],
            pod: pod("p", spec: ["tolerations": [["key": "k", "operator": "Exists"]]]), result: "a"),
        Row(
            testDescription: "a taint that prefers",
            nodes: [node("a", spec: ["taints": [["key": "k", "effect": "PreferNoSchedule"]]]), node("b", cpu: "3")],
            pod: pod("p"), result: "b"),
        Row(
            testDescription: "unschedulable", nodes: [node("a", spec: ["unschedulable": true])], pod: pod("p"),
            result:
                "0/1 nodes are available: 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(notHelpful)"
        ),
        Row(
            testDescription: "selector", nodes: [node("a", labels: ["disk": "ssd"]), node("b", cpu: "64", memory: "64Gi")],
            pod: pod("p", spec: ["nodeSelector": ["disk": "ssd"]]),
            result: "a"),
        Row(
            testDescription: "selector that nobody has", nodes: [node("a")], pod: pod("p", spec: ["nodeSelector": ["disk": "ssd"]]),
            result:
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(notHelpful)"
        ),
        Row(
            testDescription: "affinity greater", nodes: [node("a", labels: ["rank": "3"]), node("b", labels: ["rank": "7"])],
            pod: pod("p", spec: required([["matchExpressions": [["key": "rank", "operator": "Gt", "values": ["5"]]]]])), result: "b"),
        Row(
            testDescription: "affinity by field", nodes: [node("a"), node("b")],
            pod: pod("p", spec: required([["matchFields": [["key": "metadata.name", "operator": "In", "values": ["b"]]]]])), result: "b"),
        Row(
            testDescription: "preferred affinity", nodes: [node("a"), node("b", labels: ["zone": "x"]), node("c")],
            pod: pod(
                "p",
                spec: [
                    "affinity": [
                        "nodeAffinity": [
                            "preferredDuringSchedulingIgnoredDuringExecution": [
                                ["weight": 10, "preference": ["matchExpressions": [["key": "zone", "operator": "In", "values": ["x"]]]]]
                            ]
                        ]
                    ]
                ]), result: "b"),
        Row(
            testDescription: "host port", nodes: [node("a")],
            bound: [pod("q", on: "a", spec: ["containers": [["ports": [["hostPort": 80]]]]])],
            pod: pod("p", spec: ["containers": [["ports": [["hostPort": 80, "hostIP": "10.0.0.1"]]]]]),
            result:
                "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(noVictims)"
        ),
        Row(
            testDescription: "least allocated", nodes: [node("a"), node("b")], bound: [pod("q", cpu: "2", memory: "4Gi", on: "a")],
            pod: pod("p", cpu: "1"), result: "b"),
        Row(
            testDescription: "where the image is", nodes: [node("a"), holding("b", "example.com/large:1"), node("c")],
            pod: pod("p", spec: ["containers": [["image": "example.com/large:1"]]]), result: "b"),
        Row(
            testDescription: "not beside itself", nodes: [node("a", labels: ["zone": "x"]), node("b", labels: ["zone": "y"])],
            bound: [pod("q", on: "a", spec: apart("zone"), labels: ["app": "web"])],
            pod: pod("p", spec: apart("zone"), labels: ["app": "web"]), result: "b"),
        Row(
            testDescription: "no place that is not beside itself", nodes: [node("a", labels: ["zone": "x"])],
            bound: [pod("q", on: "a", labels: ["app": "web"])], pod: pod("p", spec: apart("zone"), labels: ["app": "web"]),
            result:
                "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(noVictims)"
        ),
        Row(
            testDescription: "whoever is there wants to be alone", nodes: [node("a", labels: ["zone": "x"])],
            bound: [pod("q", on: "a", spec: apart("zone"))], pod: pod("p", labels: ["app": "web"]),
            result:
                "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(noVictims)"
        ),
        Row(
            testDescription: "no company", nodes: [node("a", labels: ["zone": "x"])],
            pod: pod("p", spec: ["affinity": ["podAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [web("zone")]]]]),
            result:
                "0/1 nodes are available: 1 node(s) didn't match pod affinity rules. no new claims to deallocate, preemption: 0/1 nodes are available: 1 \(notHelpful)"
        ),
        Row(
            testDescription: "the first of its kind", nodes: [node("a", labels: ["zone": "x"])],
            pod: pod(
                "p", spec: ["affinity": ["podAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [web("zone")]]]],
                labels: ["app": "web"]), result: "a"),
        Row(
            testDescription: "spread", nodes: [node("a", labels: ["zone": "x"]), node("b", labels: ["zone": "y"]), node("c")],
            bound: [pod("q", on: "a", labels: ["app": "web"])],
            pod: pod(
                "p",
                spec: [
                    "topologySpreadConstraints": [
                        [
                            "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
                            "labelSelector": ["matchLabels": ["app": "web"]],
                        ]
                    ]
                ], labels: ["app": "web"]), result: "b"),
    ]

    /// A Node with an image of 3 GB.
    private static func holding(_ name: String, _ image: String) -> Object {
        var value = node(name).value
        value["status"]["images"] = [["names": [.string(image)], "sizeBytes": .int(3_000_000_000)]]
        return Object(value)
    }

    private static func web(_ topologyKey: String) -> Value {
        ["topologyKey": .string(topologyKey), "labelSelector": ["matchLabels": ["app": "web"]]]
    }

    private static func apart(_ topologyKey: String) -> Value {
        ["affinity": ["podAntiAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [web(topologyKey)]]]]
    }

    private static func required(_ terms: Value) -> Value {
        ["affinity": ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": terms]]]]
    }

    @Test func theDefaultPolicyDecides() async throws {
        let host = try await Policies.load()
        for row in Self.rows {
            let loop = SchedulingLoop(seed: 1)
            for node in row.nodes { _ = loop.receive(.node(before: nil, after: node), now: 0) }
            for pod in row.bound + [row.pod] { _ = loop.receive(.pod(before: nil, after: pod), now: 0) }
            #expect(describe(loop.cycle(host, now: 0)) == row.result, "\(row.testDescription)")
        }
        await host.stop()
    }

    private func describe(_ effect: SchedulingLoop.Effect?) -> String { Self.describe(effect) }

    /// A Node's name, a message; whom it would have to go for and where: `… -q,r@node`.
    static func describe(_ effect: SchedulingLoop.Effect?) -> String {
        switch effect {
        case .bind(_, let node, _): node
        case .unschedulable(_, let message, .node(let node, let victims, _)):
            "\(message) -\(victims.map(\.name).joined(separator: ","))@\(node)"
        case .unschedulable(_, let message, _), .rejected(_, let message), .failed(_, let message): message
        case .waiting(_, let node): "waits on \(node)"
        case .gated: "gated"
        case .deallocate(let claim): "takes back \(claim.name)"
        case nil: "nothing"
        }
    }

    @Test func assumedPodsCountAtOnceAndAreForgottenWhenTheBindFails() async throws {
        let host = try await Policies.load()
        let loop = SchedulingLoop(seed: 1)
        _ = loop.receive(.node(before: nil, after: node("a", cpu: "1")), now: 0)
        for name in ["p", "q"] { _ = loop.receive(.pod(before: nil, after: pod(name, cpu: "1")), now: 0) }
        #expect(describe(loop.cycle(host, now: 0)) == "a")
        #expect(describe(loop.cycle(host, now: 0)).hasPrefix("0/1 nodes are available: 1 Insufficient cpu."))
        // Another Pod of that name is not meant.
        _ = loop.receive(.bindFailed(PodKey(namespace: "default", name: "p"), uid: "someone else"), now: 1000)
        #expect(loop.patience(now: 1000) != 0)
        _ = loop.receive(.bindFailed(PodKey(namespace: "default", name: "p"), uid: "uid-p"), now: 2000)
        #expect(describe(loop.cycle(host, now: 2000)) == "a")
        await host.stop()
    }

    @Test func aPodThatIsBoundWakesNobodyAndOneThatGoesDoes() async throws {
        let host = try await Policies.load()
        let loop = SchedulingLoop(seed: 1)
        let bound = pod("q", cpu: "4", on: "a")
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        _ = loop.receive(.pod(before: nil, after: bound), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("p", cpu: "1")), now: 0)
        #expect(describe(loop.cycle(host, now: 0)).contains("Insufficient cpu"))
        #expect(loop.cycle(host, now: 60_000) == nil)
        _ = loop.receive(.pod(before: bound, after: nil), now: 60_000)
        #expect(describe(loop.cycle(host, now: 60_000)) == "a")
        await host.stop()
    }

    @Test func otherPoliciesWakeWhatFoundNoNode() async throws {
        let host = try await Policies.load()
        let loop = SchedulingLoop(seed: 1)
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        _ = loop.receive(.pod(before: nil, after: pod("p", cpu: "64")), now: 0)
        #expect(describe(loop.cycle(host, now: 0)).contains("Insufficient cpu"))
        #expect(loop.cycle(host, now: 60_000) == nil)
        _ = loop.receive(.policiesChanged, now: 60_000)
        #expect(describe(loop.cycle(host, now: 60_000)).contains("Insufficient cpu"))
        await host.stop()
    }

    @Test func gatedAndForeignPodsAreLeftAlone() async throws {
        let host = try await Policies.load()
        let loop = SchedulingLoop(seed: 1)
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        let gated = pod("g", spec: ["schedulingGates": [["name": "x"]]])
        #expect(describe(loop.receive(.pod(before: nil, after: gated), now: 0)) == "gated")
        _ = loop.receive(.pod(before: nil, after: pod("f", spec: ["schedulerName": "mine"])), now: 0)
        #expect(loop.cycle(host, now: 0) == nil)
        _ = loop.receive(.pod(before: gated, after: pod("g")), now: 0)
        #expect(describe(loop.cycle(host, now: 0)) == "a")
        await host.stop()
    }

    @Test func podsOfAServiceOrAControllerAreSpreadByDefault() async throws {
        let host = try await Policies.load()
        let service = Object([
            "metadata": ["name": "web", "namespace": "default"], "spec": ["selector": ["app": "web"]],
        ])
        let replicas = Object([
            "metadata": ["name": "web", "namespace": "default"], "spec": ["selector": ["matchLabels": ["app": "web"]]],
        ])
        for (resource, object) in [
            (DefaultSpread.services, service), (DefaultSpread.controllers[1], replicas), (DefaultSpread.services, nil),
        ]
            as [(GroupVersionResource, Object?)]
        {
            let loop = SchedulingLoop(seed: 1)
            // Without spread the large Node would be liked better.
            _ = loop.receive(
                .node(before: nil, after: node("a", cpu: "64", memory: "64Gi", labels: ["kubernetes.io/hostname": "a"])), now: 0)
            _ = loop.receive(.node(before: nil, after: node("b", labels: ["kubernetes.io/hostname": "b"])), now: 0)
            _ = loop.receive(.group(resource, before: nil, after: object), now: 0)
            _ = loop.receive(.pod(before: nil, after: pod("q", on: "a", labels: ["app": "web"])), now: 0)
            var new = pod("p", labels: ["app": "web"]).value
            new["metadata"]["ownerReferences"] = [["kind": "ReplicaSet", "name": "web", "controller": true]]
            _ = loop.receive(.pod(before: nil, after: Object(new)), now: 0)
            #expect(describe(loop.cycle(host, now: 0)) == (object == nil ? "a" : "b"))
        }
        await host.stop()
    }

    @Test func binpackFillsANodeThatHasSomethingAlready() async throws {
        let host = try await Policies.load(enable: ["policy-binpack"])
        let loop = SchedulingLoop(seed: 1)
        for name in ["a", "b", "c"] { _ = loop.receive(.node(before: nil, after: node(name)), now: 0) }
        _ = loop.receive(.pod(before: nil, after: pod("q", cpu: "1", memory: "2Gi", on: "b")), now: 0)
        let chosen = (0..<4).map { number in
            _ = loop.receive(.pod(before: nil, after: pod("p\(number)", cpu: "1", memory: "2Gi")), now: 0)
            return describe(loop.cycle(host, now: 0))
        }
        // The fourth does not fit any more, and begins another Node.
        #expect(chosen.prefix(3) == ["b", "b", "b"] && chosen[3] != "b")
        await host.stop()
    }

    @Test func twoPoliciesAddUp() async throws {
        let host = try await Policies.load(enable: ["example-policy"])
        #expect(host.schedulerPolicies.map(\.name) == ["example-policy", "scheduler-default"])
        let loop = SchedulingLoop(seed: 1)
        for name in ["a", "b"] { _ = loop.receive(.node(before: nil, after: node(name)), now: 0) }
        for number in 0..<3 { _ = loop.receive(.pod(before: nil, after: pod("q\(number)", on: "a")), now: 0) }
        _ = loop.receive(.pod(before: nil, after: pod("p")), now: 0)
        #expect(describe(loop.cycle(host, now: 0)) == "b")
        #expect(host.plugins.first { $0.name == "example-policy" }?.calls == 1)
        await host.stop()
    }

    @Test func whoeverCanNeverRunIsInNobodysWay() async throws {
        let host = try await Policies.load()
        let loop = SchedulingLoop(seed: 1)
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        let gone = pod("gone", cpu: "1", on: "a")
        _ = loop.receive(.pod(before: nil, after: gone), now: 0)
        for number in 0..<10_000 {
            let urgent: Value = ["priority": 1000, "containers": [["resources": ["requests": ["cpu": "64"]]]]]
            _ = loop.receive(.pod(before: nil, after: pod("never-\(number)", spec: urgent)), now: 0)
        }
        var tried = 0
        while loop.cycle(host, now: 0) != nil { tried += 1 }
        #expect(tried == 10_000)
        // Not even where a Pod goes, since none of them would have room then.
        _ = loop.receive(.pod(before: gone, after: nil), now: 60_000)
        _ = loop.receive(.pod(before: nil, after: pod("p", cpu: "1")), now: 60_000)
        #expect(describe(loop.cycle(host, now: 60_000)) == "a")
        #expect(loop.cycle(host, now: 60_000) == nil)
        await host.stop()
    }
}
