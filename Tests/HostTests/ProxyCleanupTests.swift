import APIModel
import ArgumentParser
import Foundation
import Logging
import Testing

@testable import Host

/// A node that is taken down has the proxies remove what they made, whatever became of their manifests.
@Suite struct ProxyCleanupTests {
    private final class Place {
        let directory: Scene.Directory
        var libraries: String { "\(directory.path)/libraries" }
        var isCleaned: Bool { FileManager.default.fileExists(atPath: "\(directory.path)/cleaned") }

        init() throws { directory = try Scene.Directory() }
        deinit { directory.remove() }

        @discardableResult
        func compile(_ library: String = "libp.so", version: String = "1.0.0") throws -> String {
            try Fixture.compile("\(libraries)/\(library)", in: directory.path, version: version)
        }

        func file(_ name: String) throws {
            let text =
                "{apiVersion: plugins.apus.dev/v1alpha1, kind: Plugin, metadata: {name: \(name)}, spec: {kind: Proxy, library: libp.so, component: fixture}}"
            try Data(text.utf8).write(to: URL(filePath: "\(directory.path)/manifests/\(name).yaml"))
        }

        func run(_ objects: [Value]) async throws -> [String] {
            let places = try PluginPlaces(
                PluginOptions.parse(["--manifest-dir", "\(directory.path)/manifests", "--plugin-dir", libraries]))
            return try await ProxyCleanup(places: places, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })).run(
                objects)
        }
    }

    private static func object(library: String = "libp.so", sha256: String, isPinnedByHost: Bool = false, enabled: Bool = true) -> Value {
        var object: Value = [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "p"],
            "spec": [
                "kind": "Proxy", "library": .string(library), "component": "fixture", "sha256": .string(sha256), "required": true,
                "enabled": .bool(enabled),
            ],
        ]
        if isPinnedByHost { object["metadata"]["annotations"][PluginAnnotation.pinned] = .string(sha256) }
        return object
    }

    @Test func aLibraryThatWasBuiltAnewCleansUpAfterTheOneBefore() async throws {
        let place = try Place()
        let before = try place.compile(version: "1.0.0")
        try place.compile(version: "2.0.0")
        #expect(try await place.run([Self.object(sha256: before, isPinnedByHost: true)]) == [])
        #expect(place.isCleaned)
    }

    @Test func oneThatWasTurnedOffCleansUp() async throws {
        let place = try Place()
        let sha256 = try place.compile()
        #expect(try await place.run([Self.object(sha256: sha256, enabled: false)]) == [])
        #expect(place.isCleaned)
    }

    @Test func aChangeThatFailsLeavesItToTheFile() async throws {
        let place = try Place()
        try place.compile()
        try place.file("p")
        #expect(try await place.run([Self.object(sha256: String(repeating: "0", count: 64))]) == [])
        #expect(place.isCleaned)
    }

    @Test func whatCannotBeAskedIsNamedUnlessItWasTurnedOff() async throws {
        let place = try Place()
        let sha256 = try place.compile()
        let failures = try await place.run([
            Self.object(library: "libgone.so", sha256: sha256), Self.object(library: "libnever.so", sha256: sha256, enabled: false),
            Self.object(sha256: sha256),
        ])
        #expect(failures.count == 1 && failures.first?.contains("there is no libgone.so") == true, "\(failures)")
        #expect(place.isCleaned)
    }

    @Test func withoutAClusterTheFilesSay() async throws {
        let place = try Place()
        try place.compile()
        try place.file("p")
        #expect(try await place.run([]) == [])
        #expect(place.isCleaned)
    }
}
