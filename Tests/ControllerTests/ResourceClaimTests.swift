import APIModel
import Client
import Testing

@Suite(.serialized) struct ResourceClaimTests {
    private static func kind(_ resource: String) -> GroupVersionResource {
        GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: resource)
    }
    private static let claims = kind("resourceclaims")
    private static let templates = kind("resourceclaimtemplates")
    private static let slices = kind("resourceslices")

    private static let devices: Value = ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "c"]]]]]

    private static let template: Value = [
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": ["name": "t"], "spec": ["spec": devices],
    ]

    private static let shared: Value = [
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
        "metadata": ["name": "shared", "finalizers": ["resource.kubernetes.io/delete-protection"]], "spec": devices,
    ]

    private static func pod(_ name: String, _ claim: Value, hollow: String? = nil, on node: Value = .null) -> Value {
        ControllerTests.pod(name, app: "x", hollow: hollow, spec: ["resourceClaims": [claim], "nodeName": node])
    }

    private static func slice(_ taints: Value) -> Value {
        [
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": ["name": "s"],
            "spec": [
                "driver": "x.example.com", "pool": ["name": "pool", "generation": 1, "resourceSliceCount": 1], "nodeName": "n1",
                "devices": [["name": "d", "taints": taints]],
            ],
        ]
    }

    /// As the scheduler does.
    private static func allocate(_ name: String, for pods: [Object], _ cluster: Cluster) async throws {
        let reserved: [Value] = pods.map { ["resource": "pods", "name": .string($0.name), "uid": .string($0.uid)] }
        let result: Value = ["request": "r", "driver": "x.example.com", "pool": "pool", "device": "d"]
        _ = try await cluster.client.patch(
            claims, namespace: "default", name: name, subresource: "status", .merge,
            ["status": ["allocation": ["devices": ["results": [result]]], "reservedFor": .array(reserved)]])
    }

    private static func reserved(_ claim: Value?) -> [String] {
        claim?["status"]["reservedFor"].elements.compactMap(\.["name"].string) ?? []
    }

    @Test func claimsComeFromTemplatesAndAreLetGo() async throws {
        try await Cluster.with(Cluster.Setup(only: ["resourceclaim"])) { cluster in
            let client = cluster.client
            // The template comes late.
            _ = try await client.create(
                .pods, namespace: "default",
                Self.pod("p", ["name": "gpu", "resourceClaimTemplateName": "t"], hollow: "pending"))
            try await cluster.wait(for: .events, in: "default", "an event") { events in
                events.contains {
                    $0.value["reason"] == "FailedResourceClaimCreation"
                        && $0.value["message"]
                            == "PodResourceClaim gpu: resource claim template \"t\": resourceclaimtemplate.resource.k8s.io \"t\" not found"
                }
            }
            _ = try await client.create(Self.templates, namespace: "default", Self.template)
            let pod = try await cluster.wait(for: .pods, "p", "its claim") {
                $0?["status"]["resourceClaimStatuses"][0]["name"] == "gpu"
            }
            let name = try #require(pod["status"]["resourceClaimStatuses"][0]["resourceClaimName"].string)
            let made = try await client.get(Self.claims, namespace: "default", name: name)
            #expect(name.hasPrefix("p-gpu-") && made.value["spec"]["devices"]["requests"][0]["name"] == "r")
            // One that somebody deletes is made again, under another name.
            try await cluster.delete(Self.claims, name)
            try await cluster.wait(for: .pods, "p", "another claim") {
                ![name, nil].contains($0?["status"]["resourceClaimStatuses"][0]["resourceClaimName"].string)
            }
            try await cluster.waitUntilQuiet()
            #expect(try await client.list(Self.claims).items.count == 1)

            // A shared one is reserved for a Pod that went past the scheduler, and let go when no Pod has it any more.
            _ = try await client.create(Self.claims, namespace: "default", Self.shared)
            try await Self.allocate("shared", for: [], cluster)
            for name in ["a", "b"] {
                _ = try await client.create(
                    .pods, namespace: "default", Self.pod(name, ["name": "gpu", "resourceClaimName": "shared"], on: "n1"))
            }
            try await cluster.wait(for: Self.claims, "shared", "both Pods") { Set(Self.reserved($0)) == ["a", "b"] }
            try await cluster.delete(.pods, "a")
            try await cluster.wait(for: Self.claims, "shared", "one Pod") { Self.reserved($0) == ["b"] }
            _ = try await client.patch(
                .pods, namespace: "default", name: "b", subresource: "status", .merge, ["status": ["phase": "Succeeded"]])
            try await cluster.wait(for: Self.claims, "shared", "free again") {
                Self.reserved($0).isEmpty && $0?["status"]["allocation"].isNull ?? false && $0?["metadata"]["finalizers"].isEmpty ?? false
            }
            // The claim of a Pod that will not run goes before the Pod.
            _ = try await client.patch(
                .pods, namespace: "default", name: "p", subresource: "status", .merge, ["status": ["phase": "Failed"]])
            try await cluster.wait(for: Self.claims, "the shared one alone") { $0.map(\.name) == ["shared"] }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func usersOfATaintedDeviceGo() async throws {
        try await Cluster.with(Cluster.Setup(only: ["device-taint-eviction"])) { cluster in
            let client = cluster.client
            _ = try await client.create(Self.slices, Self.slice(.null))
            _ = try await client.create(Self.claims, namespace: "default", Self.shared)
            _ = try await client.create(.pods, namespace: "default", Self.pod("p", ["name": "gpu", "resourceClaimName": "shared"]))
            _ = try await client.create(.pods, namespace: "default", ControllerTests.pod("other", app: "x"))
            let pods = try await cluster.wait(for: .pods, "2 ready Pods") { $0.count { isReady($0.value) } == 2 }
            try await Self.allocate("shared", for: pods, cluster)
            // What keeps new Pods away lets those there are stay.
            try await cluster.merge(Self.slices, in: nil, "s", Self.slice([["key": "k", "effect": "NoSchedule"]]))
            try await cluster.waitUntilQuiet()
            #expect(try await client.list(.pods).items.count == 2)
            try await cluster.merge(Self.slices, in: nil, "s", Self.slice([["key": "k", "effect": "NoExecute"]]))
            try await cluster.wait(for: .pods, "the other alone") { $0.map(\.name) == ["other"] }
            try await cluster.wait(for: .events, in: "default", "an event") { events in
                events.contains { $0.value["reason"] == "DeviceTaintManagerEviction" && $0.value["message"] == "Marking for deletion" }
            }
        }
    }
}
