import APIModel
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// Pods that were bound to a node on which they may not be, or that has no room for them.
@Suite struct NodeAdmissionTests {
    private static func ports(_ number: Int64) -> Value {
        [
            "containers": [
                ["name": "web", "image": "web:1", "ports": [["containerPort": 80, "hostPort": .int(Whole(number)), "protocol": "TCP"]]]
            ]
        ]
    }

    private static func affinity(_ key: String, _ values: Value) -> Value {
        let term: Value = ["matchExpressions": [["key": .string(key), "operator": "In", "values": values]]]
        return ["affinity": ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": [term]]]]]
    }

    static let refused: [(Value, Value, String, String)] = [
        (
            ["nodeSelector": ["disk": "ssd"]], .null, "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        ),
        (
            affinity("zone", ["a"]), .null, "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        ),
        (["nodeName": "other"], .null, "NodeName", "Predicate NodeName failed: node(s) didn't match the requested node name"),
        (
            .null, [["key": "gone", "effect": "NoExecute"]], "TaintToleration",
            "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
        ),
        (
            ["nodeSelector": ["disk": "ssd"]], [["key": "gone", "effect": "NoExecute"]], "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        ),
        (
            ["containers": [["name": "web", "image": "web:1", "resources": ["requests": ["ephemeral-storage": "11Gi"]]]]], .null,
            "OutOfephemeral-storage",
            "Node didn't have enough resource: ephemeral-storage, requested: 11811160064, used: 0, capacity: 10737418240"
        ),
        (
            ["containers": [["name": "web", "image": "web:1", "resources": ["requests": ["example.com/gpu": "2"]]]]], .null,
            "OutOfexample.com/gpu", "Node didn't have enough resource: example.com/gpu, requested: 2, used: 0, capacity: 1"
        ),
    ]

    @Test(arguments: refused) func refuses(_ spec: Value, _ taints: Value, _ reason: String, _ message: String) async throws {
        let bench = Bench()
        bench.client.put(.nodes, makeNode(taints: taints, allocatable: ["example.com/gpu": "1"]))
        try await bench.run {
            bench.client.put(.pods, makePod(spec: spec))
            let status = try await bench.wait("refused") { $0["phase"].string == "Failed" }
            #expect(status["reason"].string == reason && status["message"].string == "Pod was rejected: " + message)
            #expect(bench.events.message(reason) == message)
            // Nothing was begun, so there is nothing to tell of containers.
            #expect(status["containerStatuses"].isNull && status["conditions"].isEmpty && !status["startTime"].isNull)
            #expect(bench.runtime.count("RunPodSandbox") == 0)
        }
    }

    @Test(
        arguments: [
            (affinity("kubernetes.io/os", ["linux"]), .null), (["nodeSelector": ["kubernetes.io/os": "linux"]], .null),
            (.null, [["key": "full", "effect": "NoSchedule"]]),
            (["tolerations": [["operator": "Exists"]]], [["key": "gone", "effect": "NoExecute"]]),
            // What no node says it has is somebody else's to give.
            (["containers": [["name": "web", "image": "web:1", "resources": ["requests": ["example.com/gpu": "2"]]]]], .null),
        ] as [(Value, Value)]) func admits(_ spec: Value, _ taints: Value) async throws
    {
        let bench = Bench()
        bench.client.put(.nodes, makeNode(taints: taints))
        try await bench.run {
            bench.client.put(.pods, makePod(spec: spec))
            try await bench.wait("running") { $0["phase"].string == "Running" }
        }
    }

    /// The second is refused while the first has the port, and another takes it when the first is gone.
    @Test func onePodHasAPort() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod("first", spec: Self.ports(8080)))
            try await bench.wait("running", of: "first") { $0["phase"].string == "Running" }
            bench.client.put(.pods, makePod("second", spec: Self.ports(8080)))
            let status = try await bench.wait("refused", of: "second") { $0["phase"].string == "Failed" }
            #expect(status["reason"].string == "NodePorts")
            #expect(
                status["message"].string
                    == "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports")
            bench.client.markDeleted("first", grace: 0)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "first") == nil }
            bench.client.put(.pods, makePod("third", spec: Self.ports(8080)))
            try await bench.wait("running", of: "third") { $0["phase"].string == "Running" }
        }
    }

    /// Labels, taints and room are asked for once: a pod that runs goes on, whatever the node is when the kubelet comes back. What it has
    /// is given to nobody else.
    @Test func whatWasTakenStaysOverARestart() async throws {
        let bench = Bench()
        var spec = Self.ports(8080)
        spec["nodeSelector"] = ["kubernetes.io/os": "linux"]
        let pod = makePod(spec: spec)
        try await bench.run(isFollowed: true) {
            bench.client.put(.pods, pod)
            try await bench.wait("running") { $0["phase"].string == "Running" }
        }
        bench.client.put(.nodes, makeNode(labels: .null, taints: [["key": "gone", "effect": "NoExecute"]], allocatable: ["pods": "1"]))
        var other = makePod("another", spec: Self.ports(8080))
        other["spec"]["tolerations"] = [["operator": "Exists"]]
        bench.client.put(.pods, other)
        let second = Bench(after: bench)
        try await second.run {
            let status = try await second.wait("refused", of: "another") { $0["phase"].string == "Failed" }
            #expect(status["reason"].string == "OutOfpods")
            #expect(second.client.object(.pods, "default", "web")?["status"]["phase"].string == "Running")
            #expect(second.runtime.count("StopPodSandbox") == 0)
        }
    }

    /// A kubelet that comes back leaves the status of a pod that it refused as it was.
    @Test func aRefusalIsTheLastWord() async throws {
        let bench = Bench()
        try await bench.run(isFollowed: true) {
            bench.client.put(.pods, makePod(spec: ["nodeSelector": ["disk": "ssd"]]))
            try await bench.wait("refused") { $0["phase"].string == "Failed" }
        }
        let told = bench.client.object(.pods, "default", "web")?["status"]
        let second = Bench(after: bench)
        try await second.run {
            second.client.put(.pods, makePod("next"))
            try await second.wait("running", of: "next") { $0["phase"].string == "Running" }
            #expect(second.client.object(.pods, "default", "web")?["status"] == told)
            second.client.markDeleted("web", grace: 0)
            try await second.eventually("gone") { second.client.object(.pods, "default", "web") == nil }
        }
    }

    @Test func othersGoForWhatTheClusterCannotDoWithout() async throws {
        @Sendable func spec(_ cpu: String, priority: Whole) -> Value {
            let container: Value = ["name": "web", "image": "web:1", "resources": ["requests": ["cpu": .string(cpu)]]]
            return ["containers": [container], "priority": .int(priority)]
        }
        let bench = Bench()
        let (small, large, critical) = (spec("500m", priority: 0), spec("1500m", priority: 0), spec("1200m", priority: 2_000_000_000))
        try await bench.run {
            bench.client.put(.pods, makePod("small", spec: small))
            bench.client.put(.pods, makePod("large", spec: large))
            for name in ["small", "large"] { try await bench.wait("running", of: name) { $0["phase"].string == "Running" } }
            bench.client.put(.pods, makePod("critical", spec: critical))
            try await bench.wait("running", of: "critical") { $0["phase"].string == "Running" }
            let status = try await bench.wait("preempted", of: "large") { $0["phase"].string == "Failed" }
            #expect(status["reason"].string == "Preempting" && status["message"].string == "Preempted in order to admit critical pod")
            #expect(status.condition("DisruptionTarget") == "True" && status.reason("DisruptionTarget") == "TerminationByKubelet")
            // It was not said to have failed while its container ran.
            #expect(status["containerStatuses"][0][path: "state", "terminated"] != .null)
            #expect(bench.client.object(.pods, "default", "small")?["status"]["phase"].string == "Running")
            // Nobody is left whom the next one could send away.
            bench.client.put(.pods, makePod("second", spec: spec("1", priority: 2_000_000_000)))
            let refused = try await bench.wait("refused", of: "second") { $0["phase"].string == "Failed" }
            #expect(refused["reason"].string == "UnexpectedAdmissionError")
            #expect(bench.events.message("UnexpectedAdmissionError")?.contains("no set of running pods found to reclaim resources") == true)
        }
    }
}
