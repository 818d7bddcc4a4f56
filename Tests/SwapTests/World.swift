import APIModel
import APIServer
import Client
import Foundation
import Logging
import PKI
import PluginHost
import Store
import Testing

/// A real store and API server in this process, with plugins from the libraries that the build made, loaded as in production.
final class World: Sendable {
    /// As an administrator; counts what the scheduler binds.
    let client: CountingClient
    /// What loops and plugins read.
    let cache: Cache
    let services: HostServices
    /// What tests wait on.
    let seen: Cache
    let plugins: PluginHost
    let directory: String
    let log: Logger
    let heard: Heard
    private let server: APIServer

    private init(_ client: CountingClient, _ server: APIServer, _ plugins: PluginHost, _ directory: String, _ heard: Heard) {
        self.client = client
        self.server = server
        self.plugins = plugins
        self.directory = directory
        self.heard = heard
        log = heard.logger
        cache = Cache(client: client, log: log)
        services = HostServices(client: client, cache: cache)
        seen = Cache(client: client, log: log)
    }

    /// Runs `body` beside `loops` with `manifests` started, and takes everything away again. Fails when a loop ends early.
    static func with(
        _ manifests: [PluginManifest], libraries: [String] = [],
        loops: @escaping @Sendable (World) throws -> [@Sendable () async throws -> Void],
        _ body: @escaping @Sendable (World) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("swaps-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let heard = Heard()
        let log = heard.logger
        let store = try Store(path: directory + "/store.db", log: log)
        let range = try #require(DualStack<IPNetwork>("10.96.0.0/16,fd00:96::/112"))
        var serving = APIServer.Configuration(store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log)
        // Nobody here sees that a new Node is ready and takes its taint away.
        serving.admission = try AdmissionPlugins(enable: [], disable: ["TaintNodesByCondition"])
        var configuration = PluginHost.Configuration(manifestDirectory: directory, libraryDirectories: [Built.directory] + libraries)
        configuration.childExecutable = Built.directory + "/apus"
        let plugins = PluginHost(configuration, log: log)
        serving.admissionSource = plugins
        let server = APIServer(serving)
        let client = CountingClient(server.client(as: "admin", groups: ["system:masters"]))
        let world = World(client, server, plugins, directory, heard)
        for manifest in manifests { world.grant(manifest) }
        try await server.start()
        // After that: what every cluster starts with is judged by nobody.
        try plugins.load(manifests)
        let result: Result<Void, any Error>
        do {
            try await world.run(loops, body)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await plugins.stop()
        await store.close()
        try result.get()
    }

    private func run(
        _ loops: @escaping @Sendable (World) throws -> [@Sendable () async throws -> Void],
        _ body: @escaping @Sendable (World) async throws -> Void
    ) async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.cache.run() }
                group.addTask { try await self.seen.run() }
                try await plugins.start(services: services)
                for loop in try loops(self) { group.addTask { try await loop() } }
                group.addTask {
                    try await body(self)
                    throw Finished()
                }
                do {
                    for try await _ in group { throw Unexpected("a loop ended before the test did") }
                } catch {
                    group.cancelAll()
                    while await group.nextResult() != nil {}
                    throw error
                }
            }
        } catch is Finished {}
    }

    private struct Finished: Error {}

    /// What the manifest's rules allow is allowed from now on.
    func grant(_ manifest: PluginManifest) { server.grants.set(manifest.user, rules: manifest.rules.map(PolicyRule.init)) }

    /// Swaps, and expects the plugin to be in `state` then.
    func apply(_ manifest: PluginManifest, expecting state: PluginState = .running, location: SourceLocation = #_sourceLocation)
        async throws
    {
        grant(manifest)
        await plugins.apply(manifest)
        let status = try #require(self.status(manifest.name), sourceLocation: location)
        #expect(status.state == state, "\(manifest.name): \(status.reason)", sourceLocation: location)
    }

    func status(_ name: String) -> PluginStatus? { plugins.plugins.first { $0.name == name } }
}

/// What the build made, and what lies beside the sources.
enum Built {
    /// The libraries and the host's executable: where the test bundle is.
    static let directory: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return String(executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)])
    }()

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path

    /// The manifests of the default set and of the examples, by name, all enabled.
    static func manifests() throws -> [String: PluginManifest] {
        let manifests = try PluginManifest.read(directory: root + "/plugin-manifests").map { manifest in
            var manifest = manifest
            manifest.enabled = true
            return manifest
        }
        return Dictionary(uniqueKeysWithValues: manifests.map { ($0.name, $0) })
    }

    static func manifest(_ name: String, _ change: (inout PluginManifest) -> Void = { _ in }) throws -> PluginManifest {
        var manifest = try #require(try manifests()[name])
        change(&manifest)
        return manifest
    }

    /// Compiles one of the libraries with a defect into `directory`.
    static func compile(fixture name: String, into directory: String, as library: String? = nil, defining macros: [String] = []) throws {
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments =
            [
                "cc", "-std=c11", "-shared", "-fPIC", "-I\(root)/Sources/PluginAPI/include", "\(root)/Tests/Fixtures/plugins/\(name).c",
                "-o",
                "\(directory)/lib\(library ?? name).so",
            ] + macros.map { "-D\($0)" }
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
    }
}

struct Unexpected: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
