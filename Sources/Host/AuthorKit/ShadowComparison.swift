internal import APIModel

/// What a Plugin's status says of a shadow, as text.
struct ShadowComparison {
    private let name: String
    private let shadow: Value

    /// - Throws: `StartupFailure` for a plugin that is no shadow.
    init(_ plugin: Value) throws {
        name = plugin["metadata"]["name"].string ?? ""
        shadow = plugin["status"]["shadow"]
        guard shadow.isNull else { return }
        guard plugin["spec"]["mode"].string == "Shadow" else {
            throw StartupFailure("\(name) is no shadow, so there is nothing to compare: a SchedulerPolicy with spec.mode Shadow is one")
        }
        let state = plugin["status"]["state"].string ?? "Pending"
        let reason = plugin["status"]["reason"].string.map { ": \($0)" } ?? ""
        guard state == "Shadow" else { throw StartupFailure("\(name) is a shadow that does not run; it is \(state)\(reason)") }
    }

    var lines: [String] {
        let (pods, differed) = (shadow["pods"].int ?? 0, shadow["differed"].int ?? 0)
        guard pods > 0 else { return ["no pod was scheduled since \(name) runs as a shadow"] }
        let first = "\(differed) of \(pods) pods would have gone elsewhere"
        let examples = shadow["examples"].elements
        guard !examples.isEmpty else { return [first] }
        let table = TextTable(
            head: ["POD", "ACTIVE", "BECAUSE", name.uppercased(), "BECAUSE"],
            rows: examples.map { example in
                ["pod", "active", "activeReason", "candidate", "candidateReason"].map { example[$0].string ?? "" }
            })
        return [first, ""] + table.lines
    }
}
