internal import APIModel
internal import Client
internal import FileSystem
internal import Glibc
internal import Logging
internal import PluginHost

/// The plugin in a real host, with a manifest directory of its own.
enum Hosted {
    /// Loads it and takes it away again.
    static func load(_ plugin: PluginUnderTest) async throws {
        let scratch = try Scratch()
        let host = try make(plugin, in: scratch)
        do { try host.load() } catch { throw Failure("\((error as? PluginError)?.message ?? "\(error)")") }
        await host.stop()
    }

    /// Runs `body` with the plugin started.
    /// - Parameter load: loads it, where that must happen on a certain thread.
    static func run<R: Sendable>(
        _ plugin: PluginUnderTest, services: HostServices, load: (PluginHost) async throws -> Void = { try $0.load() },
        _ body: (PluginHost) async throws -> R
    ) async throws -> R {
        let scratch = try Scratch()
        let host = try make(plugin, in: scratch)
        let result: Result<R, any Error>
        do {
            try await load(host)
            try await host.start(services: services)
            result = .success(try await body(host))
        } catch let error as PluginError {
            result = .failure(Failure(error.message))
        } catch {
            result = .failure(error)
        }
        let left = await cleanUp(host)
        await host.stop()
        if case .success = result { try left.get() }
        return try withExtendedLifetime(scratch) { try result.get() }
    }

    /// What a controller of a node put there goes with it; a proxy's network is gone anyway.
    private static func cleanUp(_ host: PluginHost) async -> Result<Void, any Error> {
        guard host.controllers.first != nil else { return .success(()) }
        do {
            return .success(try await onOwnThread { try host.cleanUp() })
        } catch {
            return .failure(Failure((error as? PluginError)?.message ?? "\(error)"))
        }
    }

    /// What the host reads from the manifest.
    static func manifest(_ plugin: PluginUnderTest) throws -> PluginManifest {
        let scratch = try Scratch()
        try scratch.write("plugin.yaml", JSON.encode(plugin.manifest))
        do {
            return try PluginManifest.read(directory: scratch.path)[0]
        } catch let error as PluginError {
            throw Failure(error.message)
        }
    }

    private static func make(_ plugin: PluginUnderTest, in scratch: Scratch) throws -> PluginHost {
        try scratch.write("plugin.yaml", JSON.encode(plugin.manifest))
        let directory = String(plugin.library[..<(plugin.library.lastIndex(of: "/") ?? plugin.library.startIndex)])
        var configuration = PluginHost.Configuration(
            manifestDirectory: scratch.path, libraryDirectories: [directory.isEmpty ? "/" : directory])
        if let executable = plugin.childExecutable { configuration.childExecutable = executable }
        return PluginHost(configuration, log: quiet)
    }

    static let quiet = Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }
}

/// A directory for one check, removed with this object.
final class Scratch: Sendable {
    let path: String

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/apus-conformance-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ConformanceError("no directory can be made in \(parent): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Files.removeTree(path) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        guard let file = fopen("\(path)/\(name)", "w") else {
            throw ConformanceError("\(path)/\(name) cannot be written: \(String(cString: strerror(errno)))")
        }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}

extension HostServices {
    /// For plugins that have no business with the API.
    static var withoutAPI: HostServices { HostServices(client: NoAPI(), cache: Cache(client: NoAPI(), log: Hosted.quiet)) }
}
