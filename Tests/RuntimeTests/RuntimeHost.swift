import APIModel
import Client
import Glibc
import PluginHost

/// A runtime plugin in a real host, spoken to in CRI messages as values.
final class RuntimeHost: Sendable {
    let plugin: RuntimePlugin
    private let host: PluginHost

    /// - Parameter name: `cri` or `fake`: the component, and the end of the library's name.
    init(_ name: String, config: Value, in scratch: Scratch) async throws {
        mkdir(scratch.path + "/manifests", 0o755)
        scratch.write(
            "manifests/runtime.yaml",
            """
            apiVersion: plugins.apus.dev/v1alpha1
            kind: Plugin
            metadata:
              name: runtime-\(name)
            spec:
              kind: Runtime
              library: libruntime-\(name).so
              component: \(name)
              required: true
            """)
        var configuration = PluginHost.Configuration(manifestDirectory: scratch.path + "/manifests", libraryDirectories: Self.libraries)
        configuration.config["runtime-\(name)"] = config
        host = PluginHost(configuration, log: quiet)
        do {
            try host.load()
            try await host.start(services: HostServices(client: NoAPI(), cache: Cache(client: NoAPI(), log: quiet)))
        } catch {
            await host.stop()
            throw error
        }
        plugin = host.runtime!
    }

    /// Beside the program that runs the tests, where the build puts the libraries.
    private static var libraries: [String] {
        let programs = ["/proc/self/exe"] + CommandLine.arguments
        let directories = programs.compactMap { program -> String? in
            guard let real = realpath(program, nil) else { return nil }
            defer { free(real) }
            return String(cString: real).split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        }
        return directories.filter { access($0 + "/libruntime-cri.so", R_OK) == 0 } + [".build/debug"]
    }

    func stop() async { await host.stop() }

    /// One CRI call: `call("RunPodSandbox", …)`, with `ImageService/` before a method of the other service.
    @discardableResult
    func call(_ method: String, _ request: Value = [:], timeout: Duration? = .seconds(30)) async throws -> Value {
        let name = method.split(separator: "/").last.map(String.init)!
        let answer = try await plugin.call(
            method.contains("/") ? method : "RuntimeService/" + method,
            try Protobuf.encode(request, as: Catalogue.cri.type(named: name + "Request")!), timeout: timeout)
        return try Protobuf.decode(answer, as: Catalogue.cri.type(named: name + "Response")!)
    }

    /// What an exec prints, with its exit code.
    func exec(_ container: String, _ command: [String]) async throws -> (output: String, code: Whole) {
        let answer = try await call(
            "ExecSync", ["container_id": .string(container), "cmd": .array(command.map { .string($0) }), "timeout": 10])
        return (String(decoding: Base64.decode(answer["stdout"].string ?? "") ?? [], as: UTF8.self), answer["exit_code"].int ?? 0)
    }
}
