internal import ArgumentParser

/// Where the SDK is.
struct PluginSDKCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sdk", abstract: "Print the directory with what plugins are built against: headers, Swift modules, flags for make.")

    func run() throws { Output.line(try AuthorPlaces.sdk()) }
}
