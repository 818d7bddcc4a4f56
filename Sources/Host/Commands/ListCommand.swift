internal import ArgumentParser
internal import Client
internal import Glibc

/// The clusters of this machine.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the clusters of this machine: those that have a name, and the one that has none.")

    func run() throws {
        var table = TextTable(head: ["NAME", "STATE", "CONTEXT", "SERVER", "DATA"])
        let unnamed = ClusterRegistry.Entry(cluster: .first, directory: DataOptions.standard)
        for entry in [unnamed] + ClusterRegistry().entries where entry.isAlive {
            let directory = DataDirectory(entry.directory)
            let server = (try? ClientConfiguration.load(kubeconfig: directory.adminKubeconfig))?.server ?? ""
            table.rows.append([
                entry.cluster.name, directory.owner == nil ? "Down" : "Up", entry.cluster.context, server, entry.directory,
            ])
        }
        for line in table.lines { Output.line(line) }
    }
}
