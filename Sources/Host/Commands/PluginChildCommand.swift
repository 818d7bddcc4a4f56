internal import ArgumentParser
internal import PluginHost

/// The process of one isolated plugin. The host starts it with this command; people have no use for it.
struct PluginChildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "plugin-child", abstract: "Run one isolated plugin.", shouldDisplay: false)

    /// Whose process this is, `nil` when the command is another.
    static func plugin(_ arguments: [String]) -> String? {
        arguments.count > 1 && arguments[0] == configuration.commandName ? arguments[1] : nil
    }

    /// The plugin's name, and what was read from the command line before `main`: which rights to keep.
    @Argument var words: [String] = []

    /// On the main thread, which has nothing else to do here, so that none is taken from the plugin's own tasks.
    @MainActor func run() async { PluginChild.main() }
}
