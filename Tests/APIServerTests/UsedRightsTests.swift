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

    @Test(
        arguments: [
            (used("get pods"), [rule("get", "pods")], [], [rule("get", "pods")]),
            (used("get pods"), [rule("get,delete", "pods")], ["delete pods"], [rule("get", "pods")]),
            (
                used("get pods", "get secrets", "delete pods"), [rule("get,delete", "pods,secrets")], ["delete secrets"],
                [rule("get,delete", "pods"), rule("get", "secrets")]
            ),
            (used(), [rule("get", "pods")], ["get pods"], []),
            (used("update pods/status"), [rule("update", "pods,pods/status")], ["update pods"], [rule("update", "pods/status")]),
            // What is watched is read from a cache that asks nobody.
            (used(watched: [.pods]), [rule("get,list,watch", "pods")], [], [rule("get,list,watch", "pods")]),
            (used("update configmaps x"), [rule("update", "configmaps", names: ["x"])], [], [rule("update", "configmaps", names: ["x"])]),
            (
                used("update configmaps y"), [rule("update", "configmaps", names: ["x"])], ["update configmaps"],
                [rule("update", "configmaps")]
            ),
            // What no rule grants is added.
            (used("get pods", "create events"), [rule("get", "pods")], [], [rule("get", "pods"), rule("create", "events")]),
            // Of everything nothing can be left out, unless all of it.
            (used("get pods"), [rule("*", "*")], [], [rule("*", "*")]),
            (used("get deployments/scale x"), [rule("get", "*/scale")], [], [rule("get", "*/scale")]),
            (used("get pods"), [rule("get", "*/scale")], ["[\"get\"] of [\"*/scale\"]"], [rule("get", "pods")]),
        ] as [(UsedRights, [PolicyRule], [String], [PolicyRule])])
    func whatIsUsedStays(used: UsedRights, rules: [PolicyRule], unused: [String], narrowed: [PolicyRule]) {
        #expect(used.unused(of: rules) == unused)
        #expect(used.narrowed(rules) == narrowed)
    }
}
