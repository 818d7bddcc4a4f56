internal import APIModel
internal import ArgumentParser
internal import FoundationEssentials
internal import PluginConformance

/// Says which of its rights a controller uses.
struct PluginRBACCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rbac", abstract: "Compare the rules of a controller's manifest with what it really uses.",
        discussion: """
            The controller works on objects of its kinds, new ones and deleted ones, against an API server in memory that lets it do everything. Give it objects for which it does \
            all that it ever does: what it does not do here, --record takes away.
            """)

    @Argument(help: "The library, a .so file.")
    var file: String

    @Option(help: "The controller's manifest.")
    var manifest: String

    @Option(help: "Which component, when the manifest is not to decide.")
    var component: String?

    @Option(name: .customLong("object"), help: "A YAML file with objects to reconcile. May be given several times.")
    var objects: [String] = []

    @Flag(help: "Write the rules that were used into the manifest.")
    var record = false

    func run() async throws {
        let report: Rights.Report
        do {
            var plugin = try PluginUnderTest(
                library: file, manifest: try TextFile.documents(manifest, of: "--manifest").first, component: component)
            plugin.objects = try objects.flatMap { try TextFile.documents($0, of: "--object") }
            report = try await Rights.record(plugin)
        } catch let error as ConformanceError {
            throw StartupFailure(error.description)
        }
        for unused in report.unused { Output.line("unused: \(unused)") }
        for rule in report.rules { Output.line("- \(ManifestRules.line(rule))") }
        guard !report.isExact else { return }
        guard record else {
            Output.error("the rules of \(manifest) are not those that were used; --record writes them")
            throw ExitCode.failure
        }
        guard let changed = try ManifestRules.replaced(in: TextFile.read(manifest, of: "--manifest"), by: report.rules) else {
            throw StartupFailure("\(manifest) is not one document with a block under spec: put the rules there by hand")
        }
        try changed.write(toFile: manifest, atomically: true, encoding: .utf8)
    }
}
