internal import APIModel
internal import ArgumentParser
internal import Glibc

/// How the cluster of a data directory is.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the cluster is: roles, plugins, quarantined objects, last crashes, certificates, disk, versions.",
        discussion: """
            Exit code: 0 when all is well; 1 when it runs, but something is not as it should be; 2 when it does not run; 3 when that cannot \
            be told.
            """)

    enum Format: String, ExpressibleByArgument { case json }

    @OptionGroup var data: DataOptions

    @Option(name: [.customShort("o"), .customLong("output")], help: "json, for programs.")
    var output: Format?

    /// When nothing can be told.
    private static let unknown: Int32 = 3

    func run() async throws {
        let directory = DataDirectory(data.dataDir)
        // What tells is readable by its owner only.
        guard access(directory.path, R_OK) == 0 || errno == ENOENT, geteuid() == 0 || access(directory.host.path, R_OK) == 0 else {
            Output.error("\(directory.path) cannot be read: run as root")
            throw ExitCode(Self.unknown)
        }
        let status = await ClusterStatus(directory)
        switch output {
        case .json: Output.line(String(decoding: JSON.encodePretty(status.value), as: UTF8.self))
        case nil: for line in status.lines { Output.line(line) }
        }
        if status.health.exitCode != 0 { throw ExitCode(status.health.exitCode) }
    }
}
