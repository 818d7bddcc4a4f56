internal import ArgumentParser
internal import CLinux
internal import Glibc

/// The one executable. It plays every role, chosen by sub-command or by the name it is called under.
@main
struct Apus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus", abstract: "A complete Kubernetes in one process, with every policy, controller, runtime and proxy a plugin.",
        version: Version.line,
        subcommands: [
            UpCommand.self, DownCommand.self, ListCommand.self, StatusCommand.self, ReleaseCommand.self, PluginCommand.self,
            ImageCommand.self,
            DecisionCommand.self,
            CodecCommand.self,
            APIServerCommand.self, ControllerManagerCommand.self, SchedulerCommand.self, KubeletCommand.self, ProxyCommand.self,
            ClusterDNSCommand.self, PluginChildCommand.self,
        ])

    static func main() async {
        var arguments = Array(CommandLine.arguments.dropFirst())
        let name = CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "apus"
        // One that is started through /proc/self/exe would be shown as `exe`.
        let plugin = PluginChildCommand.plugin(arguments)
        apus_name_thread(plugin.map { "\(OwnProcess.name):\($0)" } ?? OwnProcess.name)
        // Called as `kubelet`, through a link to this executable: the name is the sub-command.
        if configuration.subcommands.contains(where: { $0.configuration.commandName == name }) { arguments.insert(name, at: 0) }
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch let failure as StartupFailure {
            Output.error(failure.message)
            Glibc.exit(1)
        } catch {
            exit(withError: error)
        }
    }
}

/// The process cannot start, or a command cannot do what it was asked: what happened, and what the user can do about it.
struct StartupFailure: Error {
    var message: String
    init(_ message: String) { self.message = message }
}
