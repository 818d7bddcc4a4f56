internal import ArgumentParser
internal import Containerd

/// Images without a registry.
struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Make images and bring them to the node without a registry.", subcommands: [Load.self, Pack.self])

    struct Load: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Import an OCI or docker archive into the cluster's own containerd.")

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

    struct Pack: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make an OCI archive with one layer from a directory.")

        @Option(help: "The directory that becomes the container's root.")
        var root: String

        @Option(help: "The image's name with its tag: apus.local/hello:1")
        var name: String

        @Option(help: "The program to start, and after it its fixed arguments; may be given several times.")
        var entrypoint: [String]

        @Option(help: "The .tar file to write.")
        var output: String

        func run() throws {
            do {
                var archive = try ImageArchive(name: name, process: ImageArchive.Process(entrypoint: entrypoint))
                try archive.add(contentsOf: root)
                try archive.write(to: output)
            } catch {
                throw StartupFailure("\(error)")
            }
        }
    }
}
