internal import APIModel
internal import ArgumentParser
internal import Client

/// Why a pod was placed as it was.
struct DecisionExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a pod is where it is and not elsewhere, from the decision that was made.",
        discussion: "The scheduler remembers the last 10,000 decisions, as long as it runs.")

    @Argument(help: "The pod's name.")
    var pod: String

    @Option(name: [.customShort("n"), .long], help: "The pod's namespace.")
    var namespace = "default"

    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let decision = try await cluster.withPages { try await $0.value(at: "\(SchedulerPages.decisions)/\(namespace)/\(pod)") }
        for line in DecisionText(decision).lines { Output.line(line) }
    }
}
