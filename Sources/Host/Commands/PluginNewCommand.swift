internal import ArgumentParser

/// Writes a project for a new plugin.
struct PluginNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Write a project for a new plugin into ./NAME: source, manifest, Makefile and test.",
        usage:
            "apus plugin new NAME --kind \(ProjectTemplate.kinds.joined(separator: "|")) --language \(ProjectTemplate.languages.joined(separator: "|"))"
    )

    @Argument(help: "The plugin's name, a DNS label.")
    var name: String

    @Option(help: "What it is: \(ProjectTemplate.kinds.joined(separator: ", ")).")
    var kind: String?

    @Option(help: "What it is written in: \(ProjectTemplate.languages.joined(separator: ", ")).")
    var language: String?

    func run() throws {
        let directory = try ProjectTemplate(name: name, kind: kind, language: language).write(in: ".")
        Output.line("wrote \(directory): next, type `cd \(directory) && make test`")
    }
}
