import APIModel
import Client
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct StorageTests {
    private static let controllers: Set = [
        "persistentvolume-binder", "persistentvolumeclaim-protection", "persistentvolume-protection", "persistentvolume-expander",
        "ephemeral-volume", "volumeattributesclass-protection",
    ]

    private func volume(_ name: String, size: String = "1Gi", _ spec: [String: Value] = [:]) -> Value {
        var volume: Value = [
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": ["name": .string(name)],
            "spec": [
                "capacity": ["storage": .string(size)], "accessModes": ["ReadWriteOnce"], "hostPath": ["path": "/nowhere"],
                "persistentVolumeReclaimPolicy": "Retain",
            ],
        ]
        for (field, value) in spec { volume["spec"][field] = value }
        return volume
    }

    private func claim(_ name: String, storageClass: Value = "", size: String = "1Gi", _ spec: [String: Value] = [:]) -> Value {
        var claim: Value = [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": ["name": .string(name)],
            "spec": [
                "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": .string(size)]], "storageClassName": storageClass,
            ],
        ]
        for (field, value) in spec { claim["spec"][field] = value }
        return claim
    }

    private func storageClass(_ name: String, mode: Value = "Immediate") -> Value {
        [
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": ["name": .string(name)],
            "provisioner": "disks.example.com", "volumeBindingMode": mode, "allowVolumeExpansion": true,
        ]
    }

    private func pod(_ name: String, claim: String, hollow: String? = nil) -> Value {
        ControllerTests.pod(
            name, app: "x", hollow: hollow, spec: ["volumes": [["name": "data", "persistentVolumeClaim": ["claimName": .string(claim)]]]])
    }

    private func phase(_ phase: String) -> @Sendable (Value?) -> Bool { { $0?["status"]["phase"].string == phase } }

    private func hasEvent(_ cluster: Cluster, _ reason: String, _ message: String) async throws {
        try await cluster.wait(for: .events, "the event \(reason)") { events in
            events.contains { $0.value["reason"].string == reason && $0.value["message"].string == message }
        }
    }

    @Test func bindsWhatFitsAndProtectsIt() async throws {
        try await Cluster.with(Cluster.Setup(only: Self.controllers)) { cluster in
            _ = try await cluster.client.create(.claims, namespace: "default", claim("c"))
            try await cluster.wait(for: .claims, "c", "a first look") { !($0?["metadata"]["finalizers"].isEmpty ?? true) }
            try await hasEvent(
                cluster, "FailedBinding", "no persistent volumes available for this claim and no storage class is set")
            for (name, size) in [("big", "5Gi"), ("small", "2Gi")] {
                _ = try await cluster.client.create(.volumes, volume(name, size: size))
            }
            let bound = try await cluster.wait(for: .claims, "c", "a volume", phase("Bound"))
            let name = try #require(bound["spec"]["volumeName"].string)
            #expect(bound["status"]["accessModes"] == ["ReadWriteOnce"])
            let held = try await cluster.wait(for: .volumes, name, "its claim", phase("Bound"))
            #expect(held["spec"]["claimRef"]["uid"] == bound["metadata"]["uid"] && bound["status"]["capacity"] == held["spec"]["capacity"])
            #expect(held["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"])
            #expect(!held["status"]["lastPhaseTransitionTime"].isNull)
            try await cluster.wait(for: .volumes, name == "big" ? "small" : "big", "nobody", phase("Available"))

            // Both stay as long as somebody has them.
            _ = try await cluster.client.create(.pods, namespace: "default", pod("p", claim: "c"))
            try await cluster.wait(for: .pods, "p", "to run", phase("Running"))
            try await cluster.delete(.volumes, in: nil, name)
            try await cluster.delete(.claims, "c")
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.client.get(.claims, namespace: "default", name: "c").isBeingDeleted)
            #expect(try await cluster.client.get(.volumes, namespace: nil, name: name).isBeingDeleted)
            try await cluster.delete(.pods, "p")
            try await cluster.wait(for: .claims, "the claim to go") { $0.isEmpty }
            try await cluster.wait(for: .volumes, "the volume to go") { $0.count == 1 }
        }
    }

    /// A Pod that the cache has yet to hear of has its claim, too.
    @Test func aClaimStaysForAPodThatJustCame() async throws {
        let setup = Cluster.Setup(only: ["persistentvolumeclaim-protection"], cacheDelay: .seconds(3), delayed: [.pods])
        try await Cluster.with(setup) { cluster in
            _ = try await cluster.client.create(.claims, namespace: "default", claim("c"))
            try await eventually("the claim is known", within: .seconds(30)) {
                cluster.cache.get(.claims, namespace: "default", name: "c") != nil
            }
            _ = try await cluster.client.create(.pods, namespace: "default", pod("p", claim: "c"))
            try await cluster.wait(for: .pods, "p", "to run", phase("Running"))
            try await cluster.delete(.claims, "c")
            try await eventually("the Pod is known", within: .seconds(30)) {
                cluster.cache.get(.pods, namespace: "default", name: "p")?.value["status"]["phase"] == "Running"
            }
            #expect(try await cluster.client.get(.claims, namespace: "default", name: "c").isBeingDeleted)
            try await cluster.delete(.pods, "p")
            try await cluster.wait(for: .claims, "the claim to go") { $0.isEmpty }
        }
    }

    @Test func keepsReservationsAndReleases() async throws {
        try await Cluster.with(Cluster.Setup(only: Self.controllers)) { cluster in
            _ = try await cluster.client.create(
                .volumes, volume("mine", size: "9Gi", ["claimRef": ["namespace": "default", "name": "c"]]))
            _ = try await cluster.client.create(.volumes, volume("other"))
            try await cluster.wait(for: .volumes, "mine", "its claim to come", phase("Available"))
            _ = try await cluster.client.create(.claims, namespace: "default", claim("c"))
            let bound = try await cluster.wait(for: .claims, "c", "its volume", phase("Bound"))
            #expect(bound["spec"]["volumeName"] == "mine")
            _ = try await cluster.client.create(.claims, namespace: "default", claim("d", ["volumeName": "mine"]))
            try await hasEvent(cluster, "FailedBinding", "volume \"mine\" already bound to a different claim.")
            try await cluster.delete(.claims, "c")
            try await cluster.wait(for: .volumes, "mine", "to be released", phase("Released"))
            // Who takes the reference away gives it to the next.
            try await cluster.merge(.volumes, in: nil, "mine", try JSON.decode(Array(#"{"spec":{"claimRef":null}}"#.utf8)))
            try await cluster.wait(for: .claims, "d", "the volume", phase("Bound"))
            try await cluster.merge(.volumes, in: nil, "mine", ["spec": ["persistentVolumeReclaimPolicy": "Delete"]])
            try await cluster.delete(.claims, "d")
            let failed = try await cluster.wait(for: .volumes, "mine", "nobody to delete it", phase("Failed"))
            #expect(
                failed["status"]["message"]
                    == "error getting deleter volume plugin for volume \"mine\": no deletable volume plugin matched")

            // A volume that goes away takes its claim's data along.
            _ = try await cluster.client.create(.claims, namespace: "default", claim("e"))
            try await cluster.wait(for: .claims, "e", "the other volume", phase("Bound"))
            try await cluster.delete(.volumes, in: nil, "other")
            try await cluster.merge(.volumes, in: nil, "other", try JSON.decode(Array(#"{"metadata":{"finalizers":null}}"#.utf8)))
            try await cluster.wait(for: .claims, "e", "to be lost", phase("Lost"))
            try await hasEvent(cluster, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func asksWhoServesTheClass() async throws {
        try await Cluster.with(Cluster.Setup(only: Self.controllers)) { cluster in
            _ = try await cluster.client.create(.claims, namespace: "default", claim("soon", storageClass: "soon"))
            try await hasEvent(cluster, "ProvisioningFailed", "storageclass.storage.k8s.io \"soon\" not found")
            _ = try await cluster.client.create(.storageClasses, storageClass("soon"))
            let asked = try await cluster.wait(for: .claims, "soon", "a provisioner") {
                $0?["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"] == "disks.example.com"
            }
            #expect(asked["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-provisioner"] == "disks.example.com")

            _ = try await cluster.client.create(.storageClasses, storageClass("late", mode: "WaitForFirstConsumer"))
            _ = try await cluster.client.create(.claims, namespace: "default", claim("late", storageClass: "late"))
            try await hasEvent(cluster, "WaitForFirstConsumer", "waiting for first consumer to be created before binding")
            _ = try await cluster.client.create(.pods, namespace: "default", pod("waiting", claim: "late", hollow: "pending"))
            try await hasEvent(cluster, "WaitForPodScheduled", "waiting for pod waiting to be scheduled")
            _ = try await cluster.client.create(.pods, namespace: "default", pod("placed", claim: "late"))
            let selected = try await cluster.wait(for: .claims, "late", "a node and a provisioner") {
                !($0?["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"].isNull ?? true)
            }
            #expect(selected["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == "n1")

            // The provisioner's part, and what becomes of a volume that it is to delete.
            _ = try await cluster.client.create(
                .volumes,
                volume(
                    "made",
                    [
                        "storageClassName": "soon", "persistentVolumeReclaimPolicy": "Delete",
                        "claimRef": ["namespace": "default", "name": "soon", "uid": asked["metadata"]["uid"]],
                    ]))
            try await cluster.merge(
                .volumes, in: nil, "made", ["metadata": ["annotations": ["pv.kubernetes.io/provisioned-by": "disks.example.com"]]])
            try await cluster.wait(for: .claims, "soon", "the volume", phase("Bound"))
            try await cluster.merge(.claims, "soon", ["spec": ["resources": ["requests": ["storage": "2Gi"]]]])
            try await hasEvent(cluster, "ExternalExpanding", "waiting for an external controller to expand this PVC")
            try await cluster.delete(.claims, "soon")
            let released = try await cluster.wait(for: .volumes, "made", "to be released", phase("Released"))
            #expect(released["status"]["message"].isEmpty)

            // A claim without a class takes the default that comes later.
            _ = try await cluster.client.create(.claims, namespace: "default", claim("any", storageClass: .null))
            try await cluster.wait(for: .claims, "any", "nothing") { !($0?["metadata"]["finalizers"].isEmpty ?? true) }
            try await cluster.merge(
                .storageClasses, in: nil, "soon", ["metadata": ["annotations": ["storageclass.kubernetes.io/is-default-class": "true"]]])
            try await cluster.wait(for: .claims, "any", "the default class") { $0?["spec"]["storageClassName"] == "soon" }
        }
    }

    @Test func claimsOfEphemeralVolumesComeAndGoWithThePod() async throws {
        try await Cluster.with(Cluster.Setup(only: Self.controllers.union(["garbage-collector"]))) { cluster in
            let template: Value = [
                "metadata": ["labels": ["disk": "scratch"]],
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]], "storageClassName": ""],
            ]
            let made = try await cluster.client.create(
                .pods, namespace: "default",
                ControllerTests.pod(
                    "p", app: "x", spec: ["volumes": [["name": "scratch", "ephemeral": ["volumeClaimTemplate": template]]]]))
            let claims = try await cluster.wait(for: .claims, "a claim") { !$0.isEmpty }
            #expect(claims[0].name == "p-scratch" && claims[0].labels["disk"] == "scratch")
            #expect(claims[0].controllerReference["uid"].string == made.uid)
            try await cluster.delete(.claims, "p-scratch")
            try await cluster.delete(.pods, "p")
            try await cluster.wait(for: .claims, "the claim to go") { $0.isEmpty }

            // Somebody else's claim of the name is not taken.
            _ = try await cluster.client.create(.claims, namespace: "default", claim("q-scratch"))
            _ = try await cluster.client.create(
                .pods, namespace: "default",
                ControllerTests.pod(
                    "q", app: "x", spec: ["volumes": [["name": "scratch", "ephemeral": ["volumeClaimTemplate": template]]]]))
            try await hasEvent(
                cluster, "FailedBinding",
                "ephemeral volume scratch: PVC default/q-scratch was not created for pod default/q (pod is not owner)")
        }
    }

    @Test func aClassOfAttributesStaysWhileItIsUsed() async throws {
        try await Cluster.with(Cluster.Setup(only: ["volumeattributesclass-protection"])) { cluster in
            _ = try await cluster.client.create(
                .attributesClasses,
                [
                    "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": ["name": "gold"],
                    "driverName": "disks.example.com", "parameters": ["iops": "9000"],
                ])
            try await cluster.wait(for: .attributesClasses, "gold", "protection") {
                $0?["metadata"]["finalizers"] == ["kubernetes.io/vac-protection"]
            }
            _ = try await cluster.client.create(.claims, namespace: "default", claim("c", ["volumeAttributesClassName": "gold"]))
            try await cluster.wait(for: .claims, "a claim") { !$0.isEmpty }
            try await cluster.delete(.attributesClasses, in: nil, "gold")
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.client.get(.attributesClasses, namespace: nil, name: "gold").isBeingDeleted)
            // Nobody lets claims go here.
            try await cluster.merge(.claims, "c", try JSON.decode(Array(#"{"metadata":{"finalizers":null}}"#.utf8)))
            try await cluster.delete(.claims, "c")
            try await cluster.wait(for: .attributesClasses, "the class to go") { $0.isEmpty }
        }
    }

    // MARK: The node's own disk

    @Test func aDirectoryOnTheNode() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("volumes-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var setup = Cluster.Setup(only: Self.controllers)
        setup.config["provisioner-local"] = ["directory": .string(directory), "node": "n1"]
        setup.others = ["provisioner-local.yaml"]
        try await Cluster.with(setup) { cluster in
            let made = try await cluster.wait(for: .storageClasses, "local", "to be there") { $0 != nil }
            #expect(made["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true")
            for name in ["db-0", "db-1"] {
                var claim = claim("data-\(name)", size: "1Mi")
                claim["spec"]["storageClassName"] = .null
                _ = try await cluster.client.create(.claims, namespace: "default", claim)
                _ = try await cluster.client.create(.pods, namespace: "default", pod(name, claim: "data-\(name)"))
            }
            let claims = try await cluster.wait(for: .claims, "2 bound claims") { claims in
                claims.count == 2 && claims.allSatisfy { $0.value["status"]["phase"] == "Bound" }
            }
            for claim in claims {
                let name = "pvc-\(claim.uid)"
                let volume = try await cluster.client.get(.volumes, namespace: nil, name: name).value
                #expect(volume["spec"]["local"]["path"].string == "\(directory)/\(name)" && volume["status"]["phase"] == "Bound")
                try Data("x".utf8).write(to: URL(fileURLWithPath: "\(directory)/\(name)/file"))
            }
            try await hasEvent(cluster, "ProvisioningSucceeded", "Successfully provisioned volume pvc-\(claims[0].uid)")

            try await cluster.merge(.claims, "data-db-0", ["spec": ["resources": ["requests": ["storage": "3Mi"]]]])
            try await cluster.wait(for: .claims, "data-db-0", "its new size") { $0?["status"]["capacity"]["storage"] == "3Mi" }
            try await hasEvent(cluster, "VolumeResizeSuccessful", "Resize volume succeeded")

            for name in ["db-0", "db-1"] { try await cluster.delete(.pods, name) }
            try await cluster.delete(.claims, "data-db-0")
            try await cluster.wait(for: .volumes, "one volume to go") { $0.count == 1 }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["pvc-\(claims[1].uid)"])

            // What a user keeps stays, also when the volume's object goes.
            try await cluster.merge(
                .volumes, in: nil, "pvc-\(claims[1].uid)", ["spec": ["persistentVolumeReclaimPolicy": "Retain"]])
            try await cluster.delete(.claims, "data-db-1")
            try await cluster.wait(for: .volumes, "pvc-\(claims[1].uid)", "to be released") { volume in
                volume?["status"]["phase"] == "Released" && volume?["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]
            }
            try await cluster.delete(.volumes, in: nil, "pvc-\(claims[1].uid)")
            try await cluster.wait(for: .volumes, "the last volume to go") { $0.isEmpty }
            #expect(FileManager.default.fileExists(atPath: "\(directory)/pvc-\(claims[1].uid)/file"))

            _ = try await cluster.client.create(.claims, namespace: "default", claim("raw", storageClass: "local", ["volumeMode": "Block"]))
            _ = try await cluster.client.create(.pods, namespace: "default", pod("p", claim: "raw"))
            try await hasEvent(
                cluster, "ProvisioningFailed", "failed to provision volume with StorageClass \"local\": volumeMode Block is not supported")
        }
    }
}
