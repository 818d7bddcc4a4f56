internal import APIModel
internal import ArgumentParser
internal import Client

/// Where a pod would go.
struct DecisionWhatIfCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "what-if", abstract: "Say where a pod would go and why, without creating it.")

    @Option(name: [.customShort("f"), .long], help: "The pod's manifest.")
    var filename: String

    @Option(name: [.customShort("n"), .long], help: "The pod's namespace, where the manifest does not say.")
    var namespace = "default"

    @OptionGroup var cluster: ClusterOptions

    func run() async throws {
        let documents = try TextFile.documents(filename, of: "--filename")
        guard documents.count == 1, documents[0]["kind"].string == "Pod", documents[0]["apiVersion"].string == "v1" else {
            throw StartupFailure("--filename: \(filename): expected one Pod of v1")
        }
        let wanted = documents[0]
        let decision = try await cluster.withPages { client in
            // As the API would have it, with a name that nobody has yet.
            var pod = wanted
            pod["metadata"]["generateName"] = "\(wanted["metadata"]["name"].string ?? "pod")-"
            pod["metadata"]["name"] = .null
            let namespace = wanted["metadata"]["namespace"].string ?? namespace
            var options = WriteOptions()
            options.isDryRun = true
            let made = try await client.create(.pods, namespace: namespace, name: nil, subresource: nil, pod, options: options)
            return try await client.value(at: SchedulerPages.decisions, posting: made.value)
        }
        for line in DecisionText(decision).lines { Output.line(line) }
    }
}
