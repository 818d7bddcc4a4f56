internal import ArgumentParser

/// Plugins: those of a cluster, and those that an author is writing.
struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Look at plugins, write them, test them and install them.",
        subcommands: [
            PluginListCommand.self,
            PluginDiffCommand.self,
            PluginNewCommand.self,
            PluginLintCommand.self,
            PluginTestCommand.self,
            PluginRBACCommand.self,
            PluginInstallCommand.self,
            PluginSDKCommand.self,
            PluginInspectCommand.self,
        ])
}
