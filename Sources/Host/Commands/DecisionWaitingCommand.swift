internal import APIModel
internal import ArgumentParser
internal import Client

/// Which pods have a node and are not bound yet.
struct DecisionWaitingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waiting", abstract: "List the pods that have a node and wait until a policy lets them be bound, and what for.")

    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let found = try await cluster.withPages { try await $0.value(at: SchedulerPages.waiting) }
        let table = TextTable(
            head: ["NAMESPACE", "POD", "NODE", "POLICY", "LEFT", "BECAUSE"],
            rows: found["items"].elements.map { pod in
                ["namespace", "name", "node", "policy"].map { pod[$0].string ?? "" } + [
                    "\(pod["seconds"].int ?? 0)s", pod["reason"].string ?? "",
                ]
            })
        for line in table.lines { Output.line(line) }
    }
}
