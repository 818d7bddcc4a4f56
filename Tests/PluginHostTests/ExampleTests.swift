import APIModel
import Testing

@testable import PluginHost

/// The tutorial's plugins, compiled and loaded.
@Suite struct ExampleTests {
    @Test func theControllerLabelsANamespaceAsItself() async throws {
        let workshop = try Workshop()
        try workshop.compile("Plugins/ExampleController/controller.c", as: "example-controller")
        try workshop.controllerManifest(
            "example", library: "example-controller", component: "namespace-label", extra: "  config: {label: team/shop}")
        let host = workshop.host()
        try host.load()
        let client = NotingClient()
        try await host.start(services: .noting(client))
        let controller = try #require(host.controllers.first)

        #expect("\(await controller.reconcile(ControllerKey(resource: .namespaces, namespace: "", name: "shop")))" == "done(after: nil)")
        #expect(
            client.notes.patches.value == [
                NotingClient.Patch(user: "system:plugin:example", name: "shop", patch: ["metadata": ["labels": ["team/shop": "true"]]])
            ])
        #expect("\(await controller.reconcile(ControllerKey(resource: .namespaces, namespace: "", name: "gone")))" == "done(after: nil)")
        #expect(client.notes.patches.value.count == 1)
        await host.stop()
    }

    @Test func theControllerRefusesABadLabel() throws {
        let workshop = try Workshop()
        try workshop.compile("Plugins/ExampleController/controller.c", as: "example-controller")
        try workshop.controllerManifest(
            "example", library: "example-controller", component: "namespace-label", extra: "  required: true\n  config: {tag: x}")
        let error = try #require(throws: PluginError.self) { try workshop.host().load() }
        #expect(
            error.message
                == "create answered INVALID: config: the one setting is label, a label key of at most 127 bytes, and this has {\"tag\":\"x\"}"
        )
    }
}
