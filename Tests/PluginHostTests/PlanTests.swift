import Testing

@testable import PluginHost

@Suite struct PlanTests {
    /// `name:kind`, then how it stands, each a word: `off`, `shadow`, `running`, `failed`, `removed`, `node`, `replaces=other`. `kind` is
    /// one of s, c, r, p.
    private static func candidate(_ text: String) throws -> Plan.Candidate {
        let words = text.split(separator: " ").map(String.init)
        let name = words[0].split(separator: ":").map(String.init)
        let kinds: [String: ExtensionKind] = ["s": .schedulerPolicy, "c": .controller, "r": .runtime, "p": .proxy]
        var candidate = Plan.Candidate(manifest: try Workshop.plugin(name[0], kinds[name[1]]!, library: "x"))
        for word in words.dropFirst() {
            switch word {
            case "off": candidate.manifest.enabled = false
            case "shadow": candidate.manifest.mode = .shadow
            case "running": candidate.isRunning = true
            case "failed": candidate.hasFailed = true
            case "removed": candidate.isRemoved = true
            case "node": candidate.manifest.controller?.place = .node
            default: candidate.manifest.replaces = String(word.split(separator: "=")[1])
            }
        }
        return candidate
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var plugins: [String]
        var rules = Plan.Rules()
        /// Empty for one that runs.
        var reasons: [String]
        var testDescription: String { plugins.joined(separator: ", ") }
    }

    private static let taken = "is the Proxy that runs; name it in spec.replaces or disable it"

    @Test(arguments: [
        Row(plugins: ["a:c", "b:c off", "c:c removed"], reasons: ["", "disabled by its manifest", "it was removed"]),
        // What the process's configuration says.
        Row(plugins: ["a:c", "b:s"], rules: .init(kinds: [.schedulerPolicy]), reasons: ["this process runs no Controller", ""]),
        Row(
            plugins: ["a:c node", "b:c", "c:p"], rules: .init(place: .node),
            reasons: ["", "this process runs no Controller of the cluster", ""]),
        Row(plugins: ["a:c node", "b:c"], rules: .init(place: .cluster), reasons: ["this process runs no Controller of the node", ""]),
        Row(plugins: ["a:c node", "b:c"], reasons: ["", ""]),
        Row(plugins: ["a:c off", "b:c"], rules: .init(enable: ["a"], disable: ["b"]), reasons: ["", "disabled by configuration"]),
        Row(plugins: ["a:r", "b:r off", "c:c"], rules: .init(choose: [.runtime: "b"]), reasons: ["plugin b was chosen", "", ""]),
        Row(plugins: ["a:r", "b:r off"], rules: .init(disable: ["b"], choose: [.runtime: "b"]), reasons: ["plugin b was chosen", ""]),
        // There is one proxy and one runtime, but any number of policies and controllers.
        Row(plugins: ["a:s", "b:s", "c:c", "d:c"], reasons: ["", "", "", ""]),
        Row(plugins: ["a:p", "b:p"], reasons: ["", "a \(taken)"]),
        Row(plugins: ["a:p", "b:p running"], reasons: ["b \(taken)", ""]),
        Row(plugins: ["a:p failed", "b:p"], reasons: ["", ""]),
        Row(plugins: ["a:p failed running", "b:p"], reasons: ["", "a \(taken)"]),
        Row(plugins: ["a:p off", "b:p"], reasons: ["disabled by its manifest", ""]),
        Row(plugins: ["a:p", "b:r"], reasons: ["", ""]),
        // In another one's place.
        Row(plugins: ["a:p running", "b:p replaces=a"], reasons: ["plugin b replaces it", ""]),
        Row(plugins: ["a:s", "b:s replaces=a"], reasons: ["plugin b replaces it", ""]),
        Row(plugins: ["a:s running", "b:s replaces=a failed"], reasons: ["", ""]),
        Row(plugins: ["a:s running", "b:s replaces=a failed running"], reasons: ["plugin b replaces it", ""]),
        Row(plugins: ["a:s running", "b:s replaces=a off"], reasons: ["", "disabled by its manifest"]),
        Row(plugins: ["a:s", "b:s replaces=a removed"], reasons: ["", "it was removed"]),
        Row(plugins: ["a:s", "b:s replaces=nobody"], reasons: ["", ""]),
        Row(plugins: ["a:c", "b:s replaces=a"], reasons: ["", ""]),
        // An old version does not come back because two newer ones follow each other.
        Row(
            plugins: ["v1:s", "v2:s replaces=v1 running", "v3:s replaces=v2"],
            reasons: ["plugin v2 replaces it", "plugin v3 replaces it", ""]),
        Row(plugins: ["v1:s", "v2:s replaces=v1", "v3:s replaces=v2 failed"], reasons: ["plugin v2 replaces it", "", ""]),
        // Two that replace each other: what runs goes on.
        Row(plugins: ["a:s replaces=b", "b:s replaces=a"], reasons: ["", "plugin a replaces it"]),
        Row(plugins: ["a:s replaces=b", "b:s replaces=a running"], reasons: ["plugin b replaces it", ""]),
        Row(
            plugins: ["a:s replaces=c", "b:s replaces=a", "c:s replaces=b running"],
            reasons: ["plugin b replaces it", "plugin c replaces it", ""]),
        // A shadow is in nobody's way.
        Row(plugins: ["a:s running", "b:s shadow replaces=a"], reasons: ["", ""]),
        Row(plugins: ["a:s shadow", "b:s replaces=a"], reasons: ["", ""]),
    ])
    func says(_ row: Row) throws {
        let plan = Plan(try row.plugins.map(Self.candidate), row.rules)
        #expect(plan.verdicts == row.reasons.map { $0.isEmpty ? .run : .skip($0) })
    }
}
