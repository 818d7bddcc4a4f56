import APIModel
import Foundation
import Testing

@testable import PluginHost

@Suite struct ManifestTests {
    private static let good = """
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata: {name: deployment}
        spec:
          kind: Controller
          library: libcontroller-deployment.so
          required: true
          config: {pace: 3}
          controller: {for: [apps/v1/deployments], owns: [apps/v1/replicasets], watches: [{resource: v1/pods, map: SameName}], workers: 4}
          rules:
            - {apiGroups: [apps], resources: ["*"], verbs: ["*"]}
            - {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
        """

    private func read(_ text: String) throws -> PluginManifest { try ManifestReader(file: "x.yaml").manifest(try YAML.decode(text)[0]) }

    @Test func readsAllOfIt() throws {
        let manifest = try read(Self.good)
        #expect(manifest.name == "deployment" && manifest.component == "deployment" && manifest.user == "system:plugin:deployment")
        #expect(manifest.kind == .controller && manifest.required && manifest.enabled)
        #expect(manifest.config == ["pace": 3])
        #expect(manifest.controller?.workers == 4)
        #expect(manifest.controller?.watched.map(\.description) == ["apps/v1/deployments", "apps/v1/replicasets", "v1/pods"])
        #expect(manifest.rules.count == 2)
    }

    @Test(arguments: [
        ("required: true", "requried: true", "unknown key spec.requried"),
        ("workers: 4", "worker: 4", "unknown key spec.controller.worker"),
        ("map: SameName", "map: Sideways", "spec.controller.watches[0].map: \"Sideways\" is none of Plugin, SameName, Owner"),
        ("kind: Controller", "kind: Gadget", "spec.kind: \"Gadget\" is none of"),
        ("libcontroller-deployment.so", "../evil.so", "spec.library: \"../evil.so\" must be a file name without a directory"),
        ("name: deployment}", "name: De_ploy}", "metadata.name: \"De_ploy\" is not a DNS label"),
        ("required: true", "required: yes please", "spec.required: must be true or false"),
        ("required: true", "weight: 3", "spec.weight: only a SchedulerPolicy has a weight"),
        ("config: {pace: 3}", "config: [3]", "spec.config: must be an object"),
        ("for: [apps/v1/deployments]", "for: [deployments]", "spec.controller.for[0]: \"deployments\" is not of the form"),
        ("verbs: [get, list, watch]", "verbs: [get, list]", "spec.rules: must grant get, list and watch of v1/pods"),
        ("verbs: [get, list, watch]", "verbs: []", "spec.rules[1].verbs: must not be empty"),
        ("plugins.apus.dev/v1alpha1", "plugins.apus.dev/v9", "apiVersion and kind must be"),
    ])
    func refuses(_ old: String, _ new: String, _ sentence: String) throws {
        let error = try #require(throws: PluginError.self) { try read(Self.good.replacingOccurrences(of: old, with: new)) }
        #expect(error.code == .invalidManifest && error.plugin == "x.yaml")
        #expect(error.message.contains(sentence), "\(error.message)")
    }

    @Test func twoOfOneNameAreRefused() throws {
        let workshop = try Workshop()
        try workshop.manifest("a", Self.good)
        try workshop.manifest("b", Self.good)
        let error = try #require(throws: PluginError.self) { try ManifestReader.read(directory: workshop.directory) }
        #expect(error.code == .duplicateName && error.message.contains("a.yaml") && error.message.contains("b.yaml"))
    }

    @Test func theDefaultSetIsGood() throws {
        let manifests = try ManifestReader.read(directory: Workshop.root + "/plugin-manifests")
        #expect(manifests.count >= 16)
        #expect(manifests.filter { $0.kind == .runtime && $0.enabled }.map(\.name) == ["runtime-cri"])
    }
}
