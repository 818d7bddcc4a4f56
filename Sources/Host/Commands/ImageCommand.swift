internal import ArgumentParser
internal import Containerd

/// Images of the cluster's own containerd.
struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "image", abstract: "Bring images to the node without a registry.", subcommands: [Load.self])

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Import an OCI or docker archive.")

        @OptionGroup var data: DataOptions
        @Argument(help: "A .tar file.")
        var file: String

        func run() async throws {
            let paths = ContainerdPaths(directory: DataDirectory(data.dataDir).containerdDirectory)
            do {
                for name in try await ImageLoader(paths: paths).load(file) { Output.line("loaded \(name)") }
            } catch {
                throw StartupFailure("\(error)")
            }
        }
    }
}
