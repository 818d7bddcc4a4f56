internal import APIModel
internal import ArgumentParser
internal import Glibc
internal import PluginConformance
internal import PluginHost

/// Tries a library against what the plugin ABI promises, without a cluster.
struct PluginTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Check that a plugin keeps what the ABI promises.",
        discussion: """
            Every check runs in a process of its own: a plugin that crashes or hangs fails that check, and the others go on. A controller is tried against an API server \
            in memory, a proxy in an empty network namespace (as root), a runtime with what its config says.
            """)

    @Argument(help: "The library, a .so file.")
    var file: String

    @Option(help: "The plugin's manifest. Needed for a controller, and for a component that has to be configured.")
    var manifest: String?

    @Option(help: "Which component, when the library has several or the manifest is not to decide.")
    var component: String?

    @Option(help: "Runtimes: the endpoint to put into config.endpoint, as unix:///run/containerd/containerd.sock.")
    var endpoint: String?

    @Option(help: "Runtimes: an image that is there, with sh and sleep in it.")
    var image: String?

    @Option(
        name: .customLong("config"),
        help: "NAME=VALUE goes over the manifest's config; VALUE is JSON or else a string. May be given several times.")
    var settings: [String] = []

    @Option(name: .customLong("object"), help: "Controllers: a YAML file with objects to reconcile. May be given several times.")
    var objects: [String] = []

    @Option(help: "None or Process: how the host runs the plugin, in place of what the manifest says.")
    var isolation: String?

    @Option(name: .customLong(CheckProcess.checkOption), help: "Run this check only. May be given several times.")
    var only: [String] = []

    @Flag(help: "Run the checks in this process, for a debugger.")
    var inProcess = false

    @Flag(help: "Only list the checks, with what each sees to.")
    var list = false

    @Option(name: .customLong(CheckProcess.reportOption), help: .hidden)
    var report: Int32?

    func run() async throws {
        let plugin: PluginUnderTest
        do { plugin = try makePlugin() } catch let error as ConformanceError { throw StartupFailure(error.description) }
        let checks = Suite.checks(of: plugin.kind)
        for name in only where !checks.contains(where: { $0.name == name }) {
            throw StartupFailure("there is no check \(name) for a \(plugin.kind.rawValue); --list shows them")
        }
        if list {
            for check in checks { Output.line("\(check.name)\n    \(check.promise)") }
            return
        }
        if let report {
            guard let check = checks.first(where: { $0.name == only.last }) else {
                throw StartupFailure("--\(CheckProcess.reportOption) goes with a --\(CheckProcess.checkOption)")
            }
            // A program that a runtime starts and leaves behind must not hold up the report's end.
            _ = fcntl(report, F_SETFD, FD_CLOEXEC)
            CheckProcess.write(await check.run(plugin), to: report)
            return
        }
        let process = CheckProcess(command: ["/proc/self/exe"] + CommandLine.arguments.dropFirst())
        let found = await Suite.run(
            plugin, only: Set(only), heard: { Output.line(Report.line($0, $1)) },
            with: { check in inProcess ? await check.run(plugin) : await process.run(check) })
        Output.line(found.summary)
        if !found.isPassed { throw ExitCode(1) }
    }

    private func makePlugin() throws -> PluginUnderTest {
        var whole = try manifest.map { try TextFile.documents($0, of: "--manifest").first ?? .null }
        if endpoint != nil || !settings.isEmpty || isolation != nil, whole == nil {
            whole = try PluginUnderTest(library: file, component: component).manifest
        }
        if let endpoint { whole?["spec"]["config"]["endpoint"] = .string(endpoint) }
        for setting in settings {
            guard let equals = setting.firstIndex(of: "=") else {
                throw StartupFailure("--config \(setting) is not of the form NAME=VALUE")
            }
            let text = String(setting[setting.index(after: equals)...])
            whole?["spec"]["config"][String(setting[..<equals])] = (try? JSON.decode(Array(text.utf8))) ?? .string(text)
        }
        if let isolation { whole?["spec"]["isolation"] = .string(isolation) }
        var plugin = try PluginUnderTest(library: file, manifest: whole, component: component)
        plugin.objects = try objects.flatMap { try TextFile.documents($0, of: "--object") }
        plugin.image = image
        return plugin
    }
}
