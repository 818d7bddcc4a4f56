import APIModel
import Client
import Testing

@Suite(.serialized) struct ServiceRangeTests {
    private static let ranges = GroupVersionResource(group: "networking.k8s.io", version: "v1", resource: "servicecidrs")

    private static func service(_ name: String, address: Value) -> Value {
        [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
            "spec": ["clusterIP": address, "ports": [["port": 80]]],
        ]
    }

    private static func ready(_ range: Value?) -> Value { condition(range ?? .null, "Ready") }

    @Test func aSecondRangeServesUntilNothingHangsOnIt() async throws {
        try await Cluster.with(Cluster.Setup(only: ["service-cidr"], hasKubelet: false)) { cluster in
            let client = cluster.client
            try await cluster.wait(for: Self.ranges, "kubernetes", "protected") {
                $0?["metadata"]["finalizers"] == ["networking.k8s.io/service-cidr-finalizer"]
                    && Self.ready($0)["message"] == "Kubernetes Service CIDR is ready"
            }
            await #expect(throws: APIError.self) {
                try await client.create(.services, namespace: "default", Self.service("early", address: "10.200.0.7"))
            }
            let range: Value = [
                "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": ["name": "more"],
                "spec": ["cidrs": ["10.200.0.0/24"]],
            ]
            _ = try await client.create(Self.ranges, range)
            try await cluster.wait(for: Self.ranges, "more", "ready") { Self.ready($0)["status"] == "True" }
            _ = try await client.create(.services, namespace: "default", Self.service("s", address: "10.200.0.7"))

            try await cluster.delete(Self.ranges, in: nil, "more")
            let ending = try await cluster.wait(for: Self.ranges, "more", "to say what it waits for") {
                Self.ready($0)["reason"] == "Terminating"
            }
            #expect(
                Self.ready(ending)["status"] == "False"
                    && Self.ready(ending)["message"]
                        == "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
            )
            // Who has an address of it keeps it, and nobody gets one.
            try await cluster.merge(.services, "s", ["metadata": ["labels": ["a": "b"]]])
            await #expect(throws: APIError.self) {
                try await client.create(.services, namespace: "default", Self.service("late", address: "10.200.0.8"))
            }
            try await cluster.waitUntilQuiet()
            try await cluster.delete(.services, "s")
            try await cluster.wait(for: Self.ranges, "more", "to go") { $0 == nil }
        }
    }
}
