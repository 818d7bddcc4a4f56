import Foundation
import Testing

/// `apus plugin rbac`: what a controller uses of its rules.
@Suite struct RightsTests {
    private static let rule = "- {apiGroups: [\"\"], resources: [namespaces], verbs: [get, list, patch, watch]}"

    private func manifest(_ rules: String) -> String {
        """
        # Labels.
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata:
          name: example-controller
        spec:
          kind: Controller
          library: libexample-controller.so
          component: namespace-label
          config:
            label: example.apus.dev/managed
          controller:
            for: [v1/namespaces]
          rules:
        \(rules)

        """
    }

    @Test func recordsWhatARunUsed() async throws {
        let workshop = try Workshop()
        let library = "\(Apus.products)/libexample-controller.so"
        let wide = try workshop.write(
            "wide.yaml",
            manifest(
                """
                    - {apiGroups: [""], resources: [namespaces, secrets], verbs: [get, list, watch, patch, delete]}
                """))
        let refused = try await Apus.plugin("rbac", [library, "--manifest", wide])
        #expect(refused.status == 1 && refused.lines.filter { $0.hasPrefix("-") } == [Self.rule])
        #expect(
            refused.lines.filter { $0.hasPrefix("unused") } == [
                "unused: delete namespaces", "unused: delete secrets", "unused: get secrets", "unused: list secrets",
                "unused: patch secrets", "unused: watch secrets",
            ])
        let recorded = try await Apus.plugin("rbac", [library, "--manifest", wide, "--record"])
        #expect(recorded.status == 0)
        #expect(try String(contentsOfFile: wide, encoding: .utf8) == manifest("    " + Self.rule))
        #expect(try await Apus.plugin("rbac", [library, "--manifest", wide]).status == 0)
    }
}
