import APIModel
import Testing

@testable import APIServer

@Suite struct UsedRightsTests {
    private static func used(_ uses: String..., watched: [GroupVersionResource] = []) -> UsedRights {
        UsedRights(
            Set(
                uses.map { use in
                    let words = use.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
                    return UsedRight(verb: words[0], group: "", resource: words[1], name: words.count > 2 ? words[2] : "")
                }), watched: watched)
    }

    private static func rule(_ verbs: String, _ resources: String, names: Set<String> = []) -> PolicyRule {
        PolicyRule(
            verbs: Set(verbs.split(separator: ",").map(String.init)), groups: [""],
            resources: Set(resources.split(separator: ",").map(String.init)), names: names)
    }

    private struct Case {
        var used: UsedRights
        var rules: [PolicyRule]
        var unused: [String] = []
        /// The rules themselves where it is not given.
        var narrowed: [PolicyRule]?
    }

    private static let cases: [Case] = [
        Case(used: used("get pods"), rules: [rule("get", "pods")]),
        Case(used: used("get pods"), rules: [rule("get,delete", "pods")], unused: ["delete pods"], narrowed: [rule("get", "pods")]),
        Case(
            used: used("get pods", "get secrets", "delete pods"), rules: [rule("get,delete", "pods,secrets")],
            unused: ["delete secrets"], narrowed: [rule("get,delete", "pods"), rule("get", "secrets")]),
        Case(used: used(), rules: [rule("get", "pods")], unused: ["get pods"], narrowed: []),
        Case(
            used: used("update pods/status"), rules: [rule("update", "pods,pods/status")], unused: ["update pods"],
            narrowed: [rule("update", "pods/status")]),
        // What is watched is read from a cache that asks nobody.
        Case(used: used(watched: [.pods]), rules: [rule("get,list,watch", "pods")]),
        Case(used: used("update configmaps x"), rules: [rule("update", "configmaps", names: ["x"])]),
        Case(
            used: used("update configmaps y"), rules: [rule("update", "configmaps", names: ["x"])], unused: ["update configmaps"],
            narrowed: [rule("update", "configmaps")]),
        // What no rule grants is added.
        Case(
            used: used("get pods", "create events"), rules: [rule("get", "pods")],
            narrowed: [rule("get", "pods"), rule("create", "events")]),
        // Of everything nothing can be left out, unless all of it.
        Case(used: used("get pods"), rules: [rule("*", "*")]),
        Case(used: used("get deployments/scale x"), rules: [rule("get", "*/scale")]),
        Case(
            used: used("get pods"), rules: [rule("get", "*/scale")], unused: ["[\"get\"] of [\"*/scale\"]"],
            narrowed: [rule("get", "pods")]),
    ]

    @Test(arguments: cases.indices) func whatIsUsedStays(index: Int) {
        let it = Self.cases[index]
        #expect(it.used.unused(of: it.rules) == it.unused)
        #expect(it.used.narrowed(it.rules) == it.narrowed ?? it.rules)
    }
}
