internal import ArgumentParser

/// Checks a library's form.
struct PluginLintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Check what a plugin library exports, needs and says of itself, and whether a manifest fits it.")

    @Argument(help: "The library, a .so file.")
    var file: String

    @Option(help: "The manifest that is to run it.")
    var manifest: String?

    func run() throws {
        var lint = LibraryLint(path: file)
        if let manifest { lint.check(try ManifestFile(path: manifest)) }
        for error in lint.errors { Output.line("error: \(error)") }
        guard lint.errors.isEmpty else { throw ExitCode.failure }
        Output.line("lint: ok: \(file) is \(lint.description?.line ?? "")")
    }
}
