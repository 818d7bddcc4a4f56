import APIModel
import APIServer
import ArgumentParser
import Client
import Foundation
import Logging
import PKI
import Store
import Testing

@testable import Host

/// What becomes of manifest files and of the objects made from them, over restarts.
@Suite struct ManifestFilesTests {
    @Test func everyFileBecomesAPinnedObject() async throws {
        try await Scene.with { scene in
            try scene.library("libp.so", "one")
            try scene.manifest("a", library: "libp.so", extra: "labels: {app: x}")
            try scene.manifest("b", library: "libmissing.so")
            try scene.manifest("c", library: "libp.so", pin: Scene.sha256("one"))
            try await scene.start()
            let a = try await scene.get("a")
            #expect(a["spec"]["sha256"].string == Scene.sha256("one") && a["metadata"]["labels"]["app"] == "x")
            #expect(ManifestFiles.isUnchanged(a) && ManifestFiles.isFromFile(a))
            #expect(try await scene.get("b")["spec"]["sha256"].isNull)
            #expect(try await scene.get("c")["metadata"]["annotations"][PluginAnnotation.pinned].isNull)
            // Nothing to do means nothing written.
            try await scene.start()
            #expect(try await scene.get("a") == a)
        }
    }

    @Test func anObjectFollowsItsFileUntilSomebodyChangesIt() async throws {
        try await Scene.with { scene in
            try scene.library("libp.so", "one")
            try scene.manifest("a", library: "libp.so")
            try await scene.start()
            try scene.manifest("a", library: "libp.so", spec: "weight: 7")
            try await scene.start()
            #expect(try await scene.get("a")["spec"]["weight"] == 7)

            try await scene.patch("a", ["weight": 9])
            try scene.manifest("a", library: "libp.so", spec: "weight: 8")
            try await scene.start()
            let changed = try await scene.get("a")
            #expect(changed["spec"]["weight"] == 9 && !ManifestFiles.isUnchanged(changed))

            // Deleting it gives it back to the file.
            try await scene.client.delete(.plugins, name: "a")
            try await scene.start()
            #expect(try await scene.get("a")["spec"]["weight"] == 8)
            // On and off again is no change.
            try await scene.patch("a", ["enabled": false])
            #expect(try await !ManifestFiles.isUnchanged(scene.get("a")))
            try await scene.patch("a", ["enabled": true])
            #expect(try await ManifestFiles.isUnchanged(scene.get("a")))
        }
    }

    @Test func aLibraryBuiltAnewIsPinnedAnewUnlessThePinIsSomebodyElses() async throws {
        try await Scene.with { scene in
            try scene.library("libp.so", "one")
            try scene.library("libq.so", "other")
            for name in ["file", "configured", "pinned", "moved"] { try scene.manifest(name, library: "libp.so") }
            try await scene.start()
            try await scene.patch("configured", ["weight": 2])
            try await scene.patch("pinned", ["sha256": .string(Scene.sha256("mine"))])
            try await scene.patch("moved", ["library": "libq.so"])
            try scene.library("libp.so", "two")
            try await scene.start()
            for name in ["file", "configured"] {
                #expect(try await scene.get(name)["spec"]["sha256"].string == Scene.sha256("two"), "\(name)")
            }
            #expect(try await scene.get("pinned")["spec"]["sha256"].string == Scene.sha256("mine"))
            // Who names another library without its pin gets no pin for it by restarting.
            #expect(try await scene.get("moved")["spec"]["sha256"].string == Scene.sha256("one"))
            try scene.library("libp.so", "three")
            try await scene.start()
            #expect(try await scene.get("configured")["spec"]["sha256"].string == Scene.sha256("three"))
        }
    }

    @Test func objectsGoWithTheirFilesAndStayWithoutAny() async throws {
        try await Scene.with { scene in
            try scene.library("libp.so", "one")
            try scene.manifest("a", library: "libp.so")
            try scene.manifest("b", library: "libp.so")
            try await scene.start()
            _ = try await scene.client.create(
                .plugins,
                ["metadata": ["name": "mine"], "spec": ["kind": "Proxy", "library": "libp.so", "sha256": .string(Scene.sha256("one"))]])
            try scene.removeManifest("b")
            try await scene.start()
            #expect(try await scene.client.list(.plugins).items.map(\.name) == ["a", "mine"])
            // A file that comes under a name somebody took leaves the object alone.
            try scene.manifest("mine", library: "libp.so", spec: "weight: 3")
            try await scene.start()
            #expect(try await scene.get("mine")["spec"]["kind"] == "Proxy")
        }
    }

    @Test func aBrokenFileIsRefusedBeforeAnythingIsWritten() throws {
        let scene = try Scene.Directory()
        defer { scene.remove() }
        try scene.manifest("a", library: "libp.so", spec: "wieght: 3")
        #expect(throws: StartupFailure.self) { try scene.files() }
    }
}
