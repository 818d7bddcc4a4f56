import APIModel
import FileSystem
import Foundation
import OrderedCollections
import PluginKit
import Testing

@testable import ControllerProvisionerLocal

@Suite struct LocalVolumeTests {
    private static let volumes = LocalVolume(node: "n1", directory: "/data")
    private static let late = LocalVolume.storageClass(isDefault: true)

    private static func claim(_ annotations: Value, _ spec: Value = .emptyObject) -> Value {
        var claim: Value = [
            "kind": "PersistentVolumeClaim", "metadata": ["namespace": "a", "name": "c", "uid": "u1", "annotations": annotations],
            "spec": ["accessModes": ["ReadWriteOnce"], "storageClassName": "local", "resources": ["requests": ["storage": "1Gi"]]],
        ]
        for (field, value) in spec.fields { claim["spec"][field] = value }
        return claim
    }

    private static let asked: Value = ["volume.kubernetes.io/storage-provisioner": "local.apus.dev"]
    private static let here: Value = [
        "volume.kubernetes.io/storage-provisioner": "local.apus.dev", "volume.kubernetes.io/selected-node": "n1",
    ]

    @Test(
        arguments: [
            (here, .emptyObject, true), (asked, .emptyObject, false), (["volume.kubernetes.io/selected-node": "n1"], .emptyObject, false),
            (
                ["volume.kubernetes.io/storage-provisioner": "local.apus.dev", "volume.kubernetes.io/selected-node": "n2"], .emptyObject,
                false
            ),
            (here, ["volumeName": "v"], false),
        ] as [(Value, Value, Bool)])
    func waitsForTheNode(annotations: Value, spec: Value, isWanted: Bool) {
        #expect(Self.volumes.isWanted(Self.claim(annotations, spec), Self.late) == isWanted)
    }

    @Test func anImmediateClassNeedsNoNode() {
        var soon = Self.late
        soon["volumeBindingMode"] = "Immediate"
        #expect(Self.volumes.isWanted(Self.claim(Self.asked), soon))
        soon["provisioner"] = "others.example.com"
        #expect(!Self.volumes.isWanted(Self.claim(Self.asked), soon))
    }

    @Test(
        arguments: [
            (.emptyObject, .emptyObject, nil), (["volumeMode": "Block"], .emptyObject, "volumeMode Block is not supported"),
            (["selector": ["matchLabels": ["a": "b"]]], .emptyObject, "claim Selector is not supported"),
            (["dataSource": ["kind": "PersistentVolumeClaim", "name": "d"]], .emptyObject, "a dataSource is not supported"),
            (["resources": ["requests": ["storage": "2Ti"]]], .emptyObject, "the node's disk has 1099511627776 bytes in all"),
            (.emptyObject, ["parameters": ["type": "ssd"]], "the class's parameter type is not known"),
            (.emptyObject, ["mountOptions": ["noatime"]], "the class's mountOptions are not supported"),
            (
                .emptyObject, ["allowedTopologies": [["matchLabelExpressions": [["key": "zone", "values": ["b"]]]]]],
                "the node is not in the class's allowedTopologies"
            ),
            (.emptyObject, ["allowedTopologies": [["matchLabelExpressions": [["key": "zone", "values": ["a", "b"]]]]]], nil),
        ] as [(Value, Value, String?)])
    func refusesByName(spec: Value, fields: Value, reason: String?) {
        var storageClass = Self.late
        for (field, value) in fields.fields { storageClass[field] = value }
        let claim = Self.claim(Self.here, spec)
        #expect(LocalVolume.refusal(claim, storageClass, labels: ["zone": "a"], size: 1 << 40) == reason)
    }

    @Test func knowsItsOwn() {
        var volume = Self.volumes.volume(for: Self.claim(Self.here), Self.late, isEnforced: true)
        #expect(Self.volumes.isOurs(volume) && volume["spec"]["local"]["path"] == "/data/pvc-u1")
        #expect(!LocalVolume(node: "n2", directory: "/data").isOurs(volume))
        volume["spec"]["local"]["path"] = "/etc"
        #expect(!Self.volumes.isOurs(volume))
    }

    @Test(
        arguments: [
            ("Delete", true, false, nil), ("Delete", false, false, ["x", "external-provisioner.volume.kubernetes.io/finalizer"]),
            ("Delete", false, true, nil), ("Retain", true, true, ["x"]), ("Retain", false, false, nil),
        ] as [(Value, Bool, Bool, Value?)])
    func holdsWhatItIsToRemove(policy: Value, isHeld: Bool, isGoing: Bool, finalizers: Value?) {
        let volume: Value = [
            "metadata": [
                "finalizers": isHeld ? ["x", .string(LocalVolume.finalizer)] : ["x"],
                "deletionTimestamp": isGoing ? "2027-01-01T00:00:00Z" : .null,
            ],
            "spec": ["persistentVolumeReclaimPolicy": policy],
        ]
        #expect(LocalVolume.finalizers(of: volume) == finalizers)
    }

    // MARK: The disk

    private func withDisk(_ body: (Disk, String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("disk-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path + "/volumes", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(try Disk(path + "/volumes"), path)
    }

    @Test func makesAndRemovesDirectories() throws {
        try withDisk { disk, path in
            _ = try disk.make("v", bytes: 1 << 20)
            _ = try disk.make("v", bytes: 1 << 20)
            let mode = try FileManager.default.attributesOfItem(atPath: path + "/volumes/v")[.posixPermissions] as? Int
            #expect(mode == 0o777 && disk.size > 0)
            try disk.remove("v")
            #expect(!FileManager.default.fileExists(atPath: path + "/volumes/v"))
            try disk.remove("v")
        }
    }

    /// What a Pod has put into its volume leads nowhere else, however deep it is.
    @Test func removesNothingElse() throws {
        try withDisk { disk, path in
            let files = FileManager.default
            try files.createDirectory(atPath: path + "/kept", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: path + "/kept/file"))
            _ = try disk.make("v", bytes: 1 << 20)
            let deep = path + "/volumes/v/" + (0..<300).map { "d\($0)" }.joined(separator: "/")
            try files.createDirectory(atPath: deep, withIntermediateDirectories: true)
            try files.createSymbolicLink(atPath: deep + "/out", withDestinationPath: path + "/kept")
            try files.createSymbolicLink(atPath: path + "/volumes/v/up", withDestinationPath: "../../kept")
            try files.createSymbolicLink(atPath: path + "/volumes/link", withDestinationPath: path + "/kept")
            try disk.remove("v")
            try disk.remove("link")
            #expect(try files.contentsOfDirectory(atPath: path + "/volumes").isEmpty)
            #expect(files.fileExists(atPath: path + "/kept/file"))
        }
    }

    @Test func wantsADirectory() { #expect(throws: Files.Failure.self) { try Disk("/nothing/there") } }
}
