internal import ArgumentParser
internal import Glibc
internal import PluginHost

/// What the child process of `LibraryDescription.ask` does: loads a library, prints a line and ends.
struct PluginInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Load a library and print as JSON what it says of itself.", shouldDisplay: false)

    /// How long a library may take to load and to answer.
    static let seconds: UInt32 = 10

    @Argument var file: String

    func run() throws {
        // Whoever started us may have blocked or ignored the signal, and both are inherited.
        var alarms = sigset_t()
        sigemptyset(&alarms)
        sigaddset(&alarms, SIGALRM)
        signal(SIGALRM, SIG_DFL)
        pthread_sigmask(SIG_UNBLOCK, &alarms, nil)
        alarm(Self.seconds)
        do {
            Output.line(LibraryDescription.line(try LibraryInspection.inspect(path: file)))
        } catch {
            throw StartupFailure((error as? PluginError)?.message ?? "\(error)")
        }
    }
}
