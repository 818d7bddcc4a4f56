internal import APIModel
internal import ArgumentParser
internal import Client

/// What a shadow would have done.
struct PluginDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Say on which pods a scheduler policy that runs as a shadow would have decided differently.")

    @Argument(help: "The plugin's name.")
    var name: String

    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let plugin = try await cluster.withClient { try await $0.get(.plugins, name: name).value }
        for line in try ShadowComparison(plugin).lines { Output.line(line) }
    }
}
