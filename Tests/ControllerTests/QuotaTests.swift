import APIModel
import Client
import Testing

@Suite(.serialized) struct QuotaTests {
    private static let quotas = GroupVersionResource(group: "", version: "v1", resource: "resourcequotas")
    private static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")

    private func used(_ quota: Value?) -> Value { quota?["status"]["used"] ?? .null }

    private func make(_ cluster: Cluster, _ hard: Value) async throws {
        let quota: Value = ["apiVersion": "v1", "kind": "ResourceQuota", "metadata": ["name": "q"], "spec": ["hard": hard]]
        _ = try await cluster.client.create(Self.quotas, namespace: "default", quota)
    }

    @Test func usageFollowsWhatComesAndGoes() async throws {
        try await Cluster.with(Cluster.Setup(hasKubelet: false)) { cluster in
            try await make(cluster, ["pods": "2", "count/pods": "5", "requests.cpu": "2", "count/deployments.apps": "3"])
            try await cluster.wait(for: Self.quotas, in: "default", "q", "counted: nothing") {
                used($0) == ["pods": "0", "count/pods": "0", "requests.cpu": "0", "count/deployments.apps": "0"]
            }
            var first = pod("a", app: "x")
            first["spec"]["containers"][0]["resources"] = ["requests": ["cpu": "500m"]]
            _ = try await cluster.client.create(.pods, namespace: "default", first)
            try await cluster.wait(for: Self.quotas, in: "default", "q", "one pod") {
                used($0) == ["pods": "1", "count/pods": "1", "requests.cpu": "500m", "count/deployments.apps": "0"]
            }
            // A pod that has ended counts as an object alone.
            _ = try await cluster.client.patch(
                .pods, namespace: "default", name: "a", subresource: "status", .merge, ["status": ["phase": "Succeeded"]])
            try await cluster.wait(for: Self.quotas, in: "default", "q", "an ended pod") {
                used($0) == ["pods": "0", "count/pods": "1", "requests.cpu": "0", "count/deployments.apps": "0"]
            }
            try await cluster.delete(.pods, "a")
            try await cluster.wait(for: Self.quotas, in: "default", "q", "no pod") { used($0)["count/pods"] == "0" }
            try await cluster.merge(Self.quotas, "q", ["spec": ["hard": ["pods": "9"]]])
            try await cluster.wait(for: Self.quotas, in: "default", "q", "the new bound") { $0?["status"]["hard"]["pods"] == "9" }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func whatSomebodySaidWronglyIsCountedAgain() async throws {
        try await Cluster.with(Cluster.Setup(config: ["resourcequota": ["resyncSeconds": 1]])) { cluster in
            try await make(cluster, ["configmaps": "10"])
            // The cluster's CA is one.
            try await cluster.wait(for: Self.quotas, in: "default", "q", "counted") { used($0) == ["configmaps": "1"] }
            _ = try await cluster.client.patch(
                Self.quotas, namespace: "default", name: "q", subresource: "status", .merge, ["status": ["used": ["configmaps": "9"]]])
            try await cluster.wait(for: Self.quotas, in: "default", "q", "counted again") { used($0) == ["configmaps": "1"] }
        }
    }
}
