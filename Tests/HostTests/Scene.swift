import APIModel
import APIServer
import ArgumentParser
import Client
import Crypto
import Foundation
import Logging
import PKI
import Store
import Testing

@testable import Host

/// An API server in memory, and directories of manifests and libraries beside it.
final class Scene: Sendable {
    /// The directories alone.
    struct Directory: Sendable {
        let path: String

        init() throws {
            path = FileManager.default.temporaryDirectory.appendingPathComponent("host-\(UUID().uuidString)").path
            for part in ["manifests", "libraries"] {
                try FileManager.default.createDirectory(atPath: "\(path)/\(part)", withIntermediateDirectories: true)
            }
        }

        func remove() { try? FileManager.default.removeItem(atPath: path) }

        func manifest(_ name: String, library: String, pin: String? = nil, spec: String = "", extra: String = "") throws {
            let text = """
                apiVersion: plugins.apus.dev/v1alpha1
                kind: Plugin
                metadata:
                  name: \(name)
                  \(extra)
                spec:
                  kind: SchedulerPolicy
                  library: \(library)
                  \(pin.map { "sha256: \($0)" } ?? "")
                  \(spec)
                """
            try Data(text.utf8).write(to: URL(filePath: "\(path)/manifests/\(name).yaml"))
        }

        func removeManifest(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/manifests/\(name).yaml") }
        func library(_ name: String, _ content: String) throws {
            try Data(content.utf8).write(to: URL(filePath: "\(path)/libraries/\(name)"))
        }

        func files() throws -> ManifestFiles {
            try ManifestFiles(
                PluginPlaces(PluginOptions.parse(["--manifest-dir", "\(path)/manifests", "--plugin-dir", "\(path)/libraries"])))
        }
    }

    let directory: Directory
    let client: any Client
    let server: APIServer
    private let store: Store
    private let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private init() async throws {
        directory = try Directory()
        store = try Store(path: "\(directory.path)/store.db", log: log)
        let range = try #require(DualStack<IPNetwork>("10.96.0.0/16"))
        var configuration = APIServer.Configuration(store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log)
        configuration.validators = [.plugins: ManifestCheck.errors]
        configuration.authorizers = [HostRights()]
        server = APIServer(configuration)
        try await server.start()
        client = server.client(as: HostUser.name)
    }

    static func with(_ body: (Scene) async throws -> Void) async throws {
        let scene = try await Scene()
        let result = await Result { () async throws in try await body(scene) }
        await scene.store.close()
        scene.directory.remove()
        try result.get()
    }

    /// What the host does with its files when it starts.
    func start() async throws { try await directory.files().synchronise(client, log: log) }

    func manifest(_ name: String, library: String, pin: String? = nil, spec: String = "", extra: String = "") throws {
        try directory.manifest(name, library: library, pin: pin, spec: spec, extra: extra)
    }
    func removeManifest(_ name: String) throws { try directory.removeManifest(name) }
    func library(_ name: String, _ content: String) throws { try directory.library(name, content) }

    func get(_ name: String) async throws -> Value { try await client.get(.plugins, name: name).value }
    func patch(_ name: String, _ spec: Value) async throws {
        _ = try await client.patch(.plugins, namespace: nil, name: name, subresource: nil, .merge, ["spec": spec])
    }

    static func sha256(_ content: String) -> String { SHA256.hash(data: Data(content.utf8)).map { String(format: "%02x", $0) }.joined() }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
