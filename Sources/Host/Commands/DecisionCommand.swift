internal import ArgumentParser

/// Why pods are where they are.
struct DecisionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler", abstract: "Ask the scheduler why a pod is where it is, or where one would go.",
        subcommands: [DecisionExplainCommand.self, DecisionWhatIfCommand.self, DecisionReplayCommand.self, DecisionWaitingCommand.self])
}
