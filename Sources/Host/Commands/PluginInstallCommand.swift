internal import APIModel
internal import ArgumentParser
internal import Client
internal import FoundationEssentials
internal import PluginHost

/// Puts a library into a plugin directory and its manifest, with the library's SHA-256 in it, into the API.
struct PluginInstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install a plugin into the running cluster: copy its library to where the host looks, and apply its manifest.")

    @Argument(help: "The library, a .so file.")
    var file: String

    @Argument(help: "Its manifest, a YAML file with one document.")
    var manifest: String

    @Option(
        help:
            "The plugin directory to copy the library to, one of the host's. Default: lib/apus when installed, in a checkout where the executable is."
    )
    var dir: String?

    @Flag(help: "Change nothing; print the object that would be applied.")
    var dryRun = false

    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let manifest = try ManifestFile(path: manifest)
        var lint = LibraryLint(path: file)
        lint.check(manifest)
        guard lint.errors.isEmpty else {
            for error in lint.errors { Output.error(error) }
            throw ExitCode.failure
        }
        var object = manifest.object
        object["spec"]["sha256"] = .string(try Library.open(path: file, plugin: object["metadata"]["name"].string ?? "").sha256)
        guard !dryRun else {
            Output.line(YAML.encode(object).trimmingNewlines)
            return
        }
        try await install(object)
    }

    private func install(_ object: Value) async throws {
        let directory = try dir ?? Self.defaultDirectory()
        let name = object["metadata"]["name"].string ?? ""
        try await cluster.withClient { client in
            let installer = PluginInstaller(client: client)
            var place = LibraryPlace(directory: directory, library: object["spec"]["library"].string ?? "")
            try place.put(file)
            let (change, applied): (PluginInstaller.Change, Object)
            do {
                (change, applied) = try await installer.apply(object)
            } catch {
                // The API refuses: nothing has happened.
                place.putBack()
                throw error
            }
            place.keep()
            Output.line("copied \(place.path)")
            Output.line("plugin \(name) \(change)")
            let status = try await installer.settled(applied)["status"]
            let (state, reason) = (status["state"].string ?? "", status["reason"].string ?? "")
            guard state != "Failed" else { throw StartupFailure("\(name) failed: \(reason)") }
            Output.line("plugin \(name) is \(state)\(reason.isEmpty ? "" : ": \(reason)")")
        }
    }

    private static func defaultDirectory() throws -> String {
        guard let last = try PluginPlaces(PluginOptions.parse([])).libraries.last else {
            throw StartupFailure("there is no plugin directory near the executable: name one with --dir")
        }
        return URL(filePath: last).standardizedFileURL.path
    }
}

extension String {
    fileprivate var trimmingNewlines: String { last == "\n" ? String(dropLast()).trimmingNewlines : self }
}
