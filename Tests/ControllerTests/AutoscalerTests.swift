import APIModel
import Client
import Testing

@Suite(.serialized) struct AutoscalerTests {
    private static let podMetrics = GroupVersionResource(group: "metrics.k8s.io", version: "v1beta1", resource: "pods")
    private static let definitions = GroupVersionResource(
        group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions")

    /// The metrics API as a custom kind: what it says is what the test writes.
    private func serveMetrics(_ cluster: Cluster) async throws {
        let schema: Value = ["type": "object", "x-kubernetes-preserve-unknown-fields": true]
        _ = try await cluster.client.create(
            Self.definitions,
            [
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": ["name": "pods.metrics.k8s.io", "annotations": ["api-approved.kubernetes.io": "unapproved, a test"]],
                "spec": [
                    "group": "metrics.k8s.io", "scope": "Namespaced", "names": ["plural": "pods", "kind": "PodMetrics"],
                    "versions": [["name": "v1beta1", "served": true, "storage": true, "schema": ["openAPIV3Schema": schema]]],
                ],
            ])
        try await cluster.wait(for: Self.definitions, "pods.metrics.k8s.io", "established") {
            condition($0 ?? .null, "Established")["status"] == "True"
        }
    }

    private func report(_ cluster: Cluster, _ memory: String) async throws {
        for pod in try await cluster.client.list(.pods, namespace: "default").items {
            let metrics: Value = [
                "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
                "metadata": ["name": .string(pod.name), "labels": ["app": "web"]],
                "timestamp": .string(Timestamp.now()), "window": "30s",
                "containers": [["name": "c", "usage": ["memory": .string(memory)]]],
            ]
            do { _ = try await cluster.client.create(Self.podMetrics, namespace: "default", metrics) } catch let error as APIError
                where error.reason == .alreadyExists
            { try await cluster.merge(Self.podMetrics, pod.name, ["containers": metrics["containers"]]) }
        }
    }

    @Test func givesAsManyPodsAsTheMetricsAskFor() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.deployments, namespace: "default", deployment("web", replicas: 2))
            try await cluster.wait(for: .deployments, "web", "2 ready") { $0?["status"]["readyReplicas"] == 2 }
            let target: Value = ["type": "AverageValue", "averageValue": "100Mi"]
            let metric: Value = ["type": "Resource", "resource": ["name": "memory", "target": target]]
            let autoscalers = GroupVersionResource(group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers")
            _ = try await cluster.client.create(
                autoscalers, namespace: "default",
                [
                    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "web"],
                    "spec": [
                        "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"], "minReplicas": 1,
                        "maxReplicas": 5,
                        "metrics": [metric],
                    ],
                ])
            // Nobody serves metrics yet.
            let blind = try await cluster.wait(for: autoscalers, "web", "a look") {
                condition($0 ?? .null, "ScalingActive")["status"] == "False"
            }
            #expect(condition(blind, "ScalingActive")["reason"] == "FailedGetResourceMetric" && blind["status"]["currentReplicas"] == 2)
            #expect(condition(blind, "AbleToScale")["reason"] == "SucceededGetScale")

            try await serveMetrics(cluster)
            try await report(cluster, "180Mi")
            try await cluster.merge(autoscalers, "web", ["metadata": ["labels": ["look": "again"]]])
            let grown = try await cluster.wait(for: autoscalers, "web", "4 wanted") { $0?["status"]["desiredReplicas"] == 4 }
            #expect(condition(grown, "ScalingActive")["reason"] == "ValidMetricFound" && !grown["status"]["lastScaleTime"].isNull)
            #expect(grown["status"]["currentMetrics"][0]["resource"]["current"]["averageValue"] == "180Mi")
            try await cluster.wait(for: .deployments, "web", "4 Pods") {
                $0?["spec"]["replicas"] == 4 && $0?["status"]["readyReplicas"] == 4
            }
            try await cluster.wait(for: .events, in: "default", "an Event") { events in
                events.contains { $0.value["message"] == "New size: 4; reason: memory resource above target" }
            }
            // Down only after some time.
            try await report(cluster, "10Mi")
            try await cluster.merge(autoscalers, "web", ["metadata": ["labels": ["look": "once-more"]]])
            let steady = try await cluster.wait(for: autoscalers, "web", "patience") {
                condition($0 ?? .null, "AbleToScale")["reason"] == "ScaleDownStabilized"
            }
            #expect(steady["status"]["desiredReplicas"] == 4)
            // But never more than allowed.
            try await cluster.merge(autoscalers, "web", ["spec": ["maxReplicas": 2]])
            try await cluster.wait(for: .deployments, "web", "2 Pods") { $0?["spec"]["replicas"] == 2 }
        }
    }
}
