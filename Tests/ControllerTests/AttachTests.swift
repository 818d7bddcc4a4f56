import APIModel
import Client
import Testing

@Suite(.serialized) struct AttachTests {
    private static let attachments = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "volumeattachments")
    private static let drivers = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "csidrivers")

    private static func volume(_ name: String, driver: String) -> Value {
        [
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": .string(name)],
            "spec": [
                "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
                "csi": ["driver": .string(driver), "volumeHandle": .string(name)],
                "claimRef": ["namespace": "default", "name": .string(name)],
            ],
        ]
    }

    private static func claim(_ name: String) -> Value {
        [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": .string(name)],
            "spec": [
                "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]], "storageClassName": "",
                "volumeName": .string(name),
            ],
        ]
    }

    private static func pod(_ name: String, _ claim: String, on node: Value = .null) -> Value {
        ControllerTests.pod(
            name, app: "x",
            spec: ["nodeName": node, "volumes": [["name": "data", "persistentVolumeClaim": ["claimName": .string(claim)]]]])
    }

    private func hasEvent(_ cluster: Cluster, _ reason: String, _ message: String) async throws {
        try await cluster.wait(for: .events, "the event \(reason): \(message)") { events in
            events.contains { $0.value["reason"].string == reason && $0.value["message"].string == message }
        }
    }

    @Test func aVolumeFollowsItsPodsAndIsOnOneNode() async throws {
        let setup = Cluster.Setup(only: ["persistentvolume-attach-detach", "persistentvolume-binder"])
        try await Cluster.with(setup) { cluster in
            let client = cluster.client
            try await cluster.addNode("n2")
            for node in ["n1", "n2"] {
                try await cluster.merge(
                    .nodes, in: nil, node,
                    ["metadata": ["annotations": ["volumes.kubernetes.io/controller-managed-attach-detach": "true"]]])
            }
            let driver: Value = [
                "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": ["name": "lazy.example.com"],
                "spec": ["attachRequired": false],
            ]
            _ = try await client.create(Self.drivers, driver)
            for (name, driver) in [("v", "disks.example.com"), ("w", "lazy.example.com")] {
                _ = try await client.create(.volumes, Self.volume(name, driver: driver))
                _ = try await client.create(.claims, namespace: "default", Self.claim(name))
                try await cluster.wait(for: .claims, name, "bound") { $0?["status"]["phase"] == "Bound" }
            }
            _ = try await client.create(.pods, namespace: "default", Self.pod("p", "v"))
            _ = try await client.create(.pods, namespace: "default", Self.pod("q", "w"))
            let made = try await cluster.wait(for: Self.attachments, "an attachment") { !$0.isEmpty }
            #expect(
                made.count == 1
                    && made[0].value["spec"] == [
                        "attacher": "disks.example.com", "nodeName": "n1", "source": ["persistentVolumeName": "v"],
                    ])

            // What the driver's attacher says reaches the Node and the Pods.
            func say(_ name: String, _ status: Value) async throws {
                _ = try await client.patch(Self.attachments, namespace: nil, name: name, subresource: "status", .merge, ["status": status])
            }
            try await say(made[0].name, ["attached": false, "attachError": ["message": "no room"]])
            try await hasEvent(cluster, "FailedAttachVolume", "AttachVolume.Attach failed for volume \"v\" : no room")
            try await say(made[0].name, ["attached": true, "attachError": .null])
            try await cluster.wait(for: .nodes, "n1", "the volume") {
                $0?["status"]["volumesAttached"] == [["name": "kubernetes.io/csi/disks.example.com^v", "devicePath": ""]]
            }
            try await hasEvent(cluster, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume \"v\" ")

            _ = try await client.create(.pods, namespace: "default", Self.pod("late", "v", on: "n2"))
            try await hasEvent(
                cluster, "FailedAttachVolume", "Multi-Attach error for volume \"v\" Volume is already used by pod(s) p")
            let inUse: Value = ["status": ["volumesInUse": ["kubernetes.io/csi/disks.example.com^v"]]]
            _ = try await client.patch(.nodes, namespace: nil, name: "n1", subresource: "status", .merge, inUse)
            try await cluster.delete(.pods, "p")
            try await cluster.wait(for: .pods, "p", "to go") { $0 == nil }
            try await cluster.waitUntilQuiet()
            #expect(try await client.list(Self.attachments).items.map(\.name) == [made[0].name], "it is still in use")
            _ = try await client.patch(
                .nodes, namespace: nil, name: "n1", subresource: "status", .merge, ["status": ["volumesInUse": []]])
            try await cluster.wait(for: Self.attachments, "the other Node's") { $0.count == 1 && $0[0].value["spec"]["nodeName"] == "n2" }
            try await cluster.wait(for: .nodes, "n1", "no volume") { $0?["status"]["volumesAttached"].isEmpty ?? false }
            try await cluster.delete(.pods, "late")
            try await cluster.wait(for: Self.attachments, "none") { $0.isEmpty }
        }
    }
}
