import APIModel
import Client
import Synchronization
import TestSupport
import Testing

@Suite(.serialized) struct AutoscalerTests {
    private static let autoscalers = GroupVersionResource(group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers")

    private func report(_ cluster: Cluster, _ meter: Meter, mebibytes: Whole) async throws {
        let pods = try await cluster.client.list(.pods, namespace: "default").items
        meter.set(pods.map(\.uid), memory: mebibytes << 20)
    }

    @Test func givesAsManyPodsAsTheMetricsAskFor() async throws {
        let meter = Meter()
        var setup = Cluster.Setup()
        setup.summaries = { _ in meter.summary() }
        try await Cluster.with(setup) { cluster in
            _ = try await cluster.client.create(.deployments, namespace: "default", deployment("web", replicas: 2))
            try await cluster.wait(for: .deployments, "web", "2 ready") { $0?["status"]["readyReplicas"] == 2 }
            let target: Value = ["type": "AverageValue", "averageValue": "100Mi"]
            let metric: Value = ["type": "Resource", "resource": ["name": "memory", "target": target]]
            _ = try await cluster.client.create(
                Self.autoscalers, namespace: "default",
                [
                    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "web"],
                    "spec": [
                        "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"], "minReplicas": 1,
                        "maxReplicas": 5,
                        "metrics": [metric],
                    ],
                ])
            // The kubelet says nothing of the Pods yet.
            let blind = try await cluster.wait(for: Self.autoscalers, "web", "a look") {
                condition($0 ?? .null, "ScalingActive")["status"] == "False"
            }
            #expect(condition(blind, "ScalingActive")["reason"] == "FailedGetResourceMetric" && blind["status"]["currentReplicas"] == 2)
            #expect(condition(blind, "AbleToScale")["reason"] == "SucceededGetScale")

            try await report(cluster, meter, mebibytes: 180)
            // What a Pod uses is known from its second look on.
            for look in ["again", "and-again"] {
                let looks = meter.looks
                try await cluster.merge(Self.autoscalers, "web", ["metadata": ["labels": ["look": .string(look)]]])
                try await eventually("a look", within: .seconds(30)) { meter.looks > looks }
            }
            let grown = try await cluster.wait(for: Self.autoscalers, "web", "4 wanted") { $0?["status"]["desiredReplicas"] == 4 }
            #expect(condition(grown, "ScalingActive")["reason"] == "ValidMetricFound" && !grown["status"]["lastScaleTime"].isNull)
            #expect(grown["status"]["currentMetrics"][0]["resource"]["current"]["averageValue"] == "180Mi")
            try await cluster.wait(for: .deployments, "web", "4 Pods") {
                $0?["spec"]["replicas"] == 4 && $0?["status"]["readyReplicas"] == 4
            }
            try await cluster.wait(for: .events, in: "default", "an Event") { events in
                events.contains { $0.value["message"] == "New size: 4; reason: memory resource above target" }
            }
            let metrics = GroupVersionResource(group: "metrics.k8s.io", version: "v1beta1", resource: "pods")
            let used = try await cluster.client.list(
                metrics, namespace: "default", options: ListOptions(labelSelector: "app=web")
            ).items
            #expect(!used.isEmpty && used.allSatisfy { $0.value["containers"][0]["usage"] == ["cpu": "100000000n", "memory": "184320Ki"] })
            // Down only after some time.
            try await report(cluster, meter, mebibytes: 10)
            try await cluster.merge(Self.autoscalers, "web", ["metadata": ["labels": ["look": "once-more"]]])
            let steady = try await cluster.wait(for: Self.autoscalers, "web", "patience") {
                condition($0 ?? .null, "AbleToScale")["reason"] == "ScaleDownStabilized"
            }
            #expect(steady["status"]["desiredReplicas"] == 4)
            // But never more than allowed.
            try await cluster.merge(Self.autoscalers, "web", ["spec": ["maxReplicas": 2]])
            try await cluster.wait(for: .deployments, "web", "2 Pods") { $0?["spec"]["replicas"] == 2 }
        }
    }
}

extension AutoscalerTests {
    /// Who serves `external.metrics.k8s.io` here is a kind of the test's own, whose objects are numbers.
    private static let queue: Value = [
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": [
            "name": "queue.external.metrics.k8s.io", "annotations": ["api-approved.kubernetes.io": "unapproved, for a test"],
        ],
        "spec": [
            "group": "external.metrics.k8s.io", "scope": "Namespaced", "names": ["plural": "queue", "kind": "Queue"],
            "versions": [
                [
                    "name": "v1beta1", "served": true, "storage": true,
                    "schema": ["openAPIV3Schema": ["type": "object", "x-kubernetes-preserve-unknown-fields": true]],
                ]
            ],
        ],
    ]

    @Test func whatIsMeasuredElsewhereCounts() async throws {
        try await Cluster.with(Cluster.Setup(only: ["horizontalpodautoscaler", "deployment", "replicaset", "node-lifecycle"])) { cluster in
            let client = cluster.client
            _ = try await client.create(.deployments, namespace: "default", deployment("web", replicas: 2))
            try await cluster.wait(for: .deployments, "web", "2 ready") { $0?["status"]["readyReplicas"] == 2 }
            let average: Value = ["type": "AverageValue", "averageValue": "10"]
            _ = try await client.create(
                Self.autoscalers, namespace: "default",
                [
                    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "web"],
                    "spec": [
                        "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"], "maxReplicas": 5,
                        "metrics": [
                            ["type": "Pods", "pods": ["metric": ["name": "hits"], "target": average]],
                            ["type": "External", "external": ["metric": ["name": "queue"], "target": average]],
                        ],
                    ],
                ])
            // Nobody serves either.
            let blind = try await cluster.wait(for: Self.autoscalers, "web", "a look") {
                condition($0 ?? .null, "ScalingActive")["status"] == "False"
            }
            #expect(condition(blind, "ScalingActive")["reason"] == "FailedGetPodsMetric")
            _ = try await client.create(.customResourceDefinitions, Self.queue)
            try await cluster.wait(for: .customResourceDefinitions, "queue.external.metrics.k8s.io", "established") {
                condition($0 ?? .null, "Established")["status"] == "True"
            }
            let kind = GroupVersionResource(group: "external.metrics.k8s.io", version: "v1beta1", resource: "queue")
            for (name, value) in [("a", "25"), ("b", "15")] {
                _ = try await client.create(
                    kind, namespace: "default",
                    [
                        "apiVersion": "external.metrics.k8s.io/v1beta1", "kind": "Queue", "metadata": ["name": .string(name)],
                        "value": .string(value),
                    ])
            }
            // One of two that says "more" is enough.
            try await cluster.merge(Self.autoscalers, "web", ["metadata": ["labels": ["look": "again"]]])
            let grown = try await cluster.wait(for: Self.autoscalers, "web", "4 wanted") { $0?["status"]["desiredReplicas"] == 4 }
            #expect(grown["status"]["currentMetrics"].elements.contains { $0["external"]["current"]["averageValue"] == "20" })
        }
    }
}

/// What a kubelet says that has a clock of its own: twenty seconds pass from one look to the next, in which each Pod uses a tenth of a
/// processor.
private final class Meter: Sendable {
    private struct State {
        var pods: [String] = []
        var memory: Whole = 0
        var looks: Whole = 0
    }

    private let state = Mutex(State())

    /// How often somebody asked.
    var looks: Whole { state.withLock { $0.looks } }

    func set(_ pods: [String], memory: Whole) { state.withLock { ($0.pods, $0.memory) = (pods, memory) } }

    func summary() -> Value {
        state.withLock { state in
            state.looks = state.looks + 1
            let seconds = Timestamp.nowSeconds() / 86_400 * 86_400 - 86_400 + state.looks * 20
            func usage(_ memory: Whole) -> Value {
                [
                    "cpu": [
                        "time": .string(Timestamp.format(seconds: seconds)), "usageCoreNanoSeconds": .int(state.looks * 2_000_000_000),
                    ],
                    "memory": ["workingSetBytes": .int(memory)],
                ]
            }
            var node = usage(1 << 30)
            node["nodeName"] = "n1"
            let pods = state.pods.map { uid -> Value in
                var container = usage(state.memory)
                container["name"] = "c"
                return ["podRef": ["uid": .string(uid)], "containers": [container]]
            }
            return ["node": node, "pods": .array(pods)]
        }
    }
}
