internal import APIModel

/// What a Plugin's status says of a shadow, as text.
struct ShadowComparison {
    private let name: String
    private let shadow: Value
    private let isAdmission: Bool

    /// - Throws: `StartupFailure` for a plugin that is no shadow.
    init(_ plugin: Value) throws {
        name = plugin["metadata"]["name"].string ?? ""
        shadow = plugin["status"]["shadow"]
        isAdmission = plugin["spec"]["kind"].string == "Admission"
        guard shadow.isNull else { return }
        guard plugin["spec"]["mode"].string == "Shadow" else {
            throw StartupFailure(
                "\(name) is no shadow, so there is nothing to compare: a SchedulerPolicy or an Admission with spec.mode Shadow is one")
        }
        let state = plugin["status"]["state"].string ?? "Pending"
        let reason = plugin["status"]["reason"].string.map { ": \($0)" } ?? ""
        guard state == "Shadow" else { throw StartupFailure("\(name) is a shadow that does not run; it is \(state)\(reason)") }
    }

    var lines: [String] {
        let (pods, requests) = (shadow["pods"].int ?? 0, shadow["requests"].int ?? 0)
        let differed = shadow["differed"].int ?? 0
        guard pods > 0 || requests > 0 else {
            return [isAdmission ? "no request came that \(name) is for" : "no pod was scheduled since \(name) runs as a shadow"]
        }
        let first =
            isAdmission
            ? "\(differed) of \(requests) answers would have been others" : "\(differed) of \(pods) pods would have gone elsewhere"
        let examples = shadow["examples"].elements
        guard !examples.isEmpty else { return [first] }
        let table = TextTable(
            head: [isAdmission ? "REQUEST" : "POD", "ACTIVE", "BECAUSE", name.uppercased(), "BECAUSE"],
            rows: examples.map { example in
                [isAdmission ? "request" : "pod", "active", "activeReason", "candidate", "candidateReason"].map { example[$0].string ?? "" }
            })
        return [first, ""] + table.lines
    }
}
