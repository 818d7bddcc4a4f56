internal import APIModel
internal import ArgumentParser
internal import Client
internal import Logging
internal import PluginHost

/// What plugins there are and how they are.
struct PluginListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List every plugin with its state and the reason for it.")

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var plugins: PluginOptions

    @Flag(name: .customLong("wide"), help: "Also show the version and the library.")
    var isWide = false

    func run() async throws {
        let directory = DataDirectory(cluster.data.dataDir)
        let objects: [Value]
        if cluster.kubeconfig != nil || directory.owner != nil {
            objects = try await cluster.withClient { try await $0.list(.plugins).items.map(\.value) }
        } else {
            Output.line("apus does not run on \(directory.path): this is what its manifest files ask for.")
            objects = try dryRun()
        }
        for line in PluginRows.table(objects, isWide: isWide).lines { Output.line(line) }
    }

    private func dryRun() throws -> [Value] {
        let places = try PluginPlaces(plugins)
        var configuration = PluginHost.Configuration(manifestDirectory: places.manifests, libraryDirectories: places.libraries)
        // Nothing is started: any text will do for a certificate.
        configuration.config = ["root-ca": ["certificate": "none"], "runtime-cri": ["endpoint": "unix:///run/containerd/containerd.sock"]]
        let host = PluginHost(configuration, log: Logger(label: "plugins") { _ in SwiftLogNoOpLogHandler() })
        do { try host.load() } catch { throw StartupFailure("\(error)") }
        return host.plugins.map { plugin in
            [
                "metadata": ["name": .string(plugin.name)], "spec": ["kind": .string(plugin.kind.rawValue)],
                "status": StatusValue(plugin, since: "").value,
            ]
        }
    }
}
