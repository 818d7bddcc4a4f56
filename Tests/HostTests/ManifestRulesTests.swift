import APIModel
import Testing

@testable import Host

@Suite struct ManifestRulesTests {
    private static let rules: [Value] = [
        ["verbs": ["get"], "apiGroups": [""], "resources": ["pods/status", "*/scale"]],
        ["verbs": ["sign"], "apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": ["a.io/x:y"]],
    ]
    private static let written = """
          rules:
            - {apiGroups: [""], resources: [pods/status, "*/scale"], verbs: [get]}
            - {apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: ["a.io/x:y"], verbs: [sign]}
        """

    @Test(
        arguments: [
            ("# c\nspec:\n  kind: Controller\n  rules:\n    - {verbs: [x]}\n", "# c\nspec:\n  kind: Controller\n\(written)\n"),
            // What stands behind stays, wherever the list is indented.
            (
                "spec:\n  rules:\n  - apiGroups: [a]\n    verbs: [b]\n  # why\n  kind: Controller\n",
                "spec:\n\(written)\n  # why\n  kind: Controller\n"
            ),
            ("spec:\n  rules: []\n  kind: Controller", "spec:\n\(written)\n  kind: Controller\n"),
            ("spec:\n  kind: Controller\nmetadata:\n  name: x\n", "spec:\n  kind: Controller\n\(written)\nmetadata:\n  name: x\n"),
            ("spec:\n  kind: Controller\n---\nspec:\n  kind: Controller\n", nil), ("spec: {kind: Controller}\n", nil), ("", nil),
        ] as [(String, String?)])
    func rulesAreReplacedInPlace(manifest: String, changed: String?) {
        #expect(ManifestRules.replaced(in: manifest, by: Self.rules) == changed)
    }

    @Test func noRulesNeedNoBlock() {
        #expect(ManifestRules.replaced(in: "spec:\n  a: b\n  rules:\n    - {verbs: [x]}\n", by: []) == "spec:\n  a: b\n")
    }
}
