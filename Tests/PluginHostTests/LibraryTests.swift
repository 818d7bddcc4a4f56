import APIModel
import Testing

@testable import PluginHost

/// Each fixture has one defect; the host must say which.
@Suite struct LibraryTests {
    @Test(arguments: [
        ("wrong-major", PluginError.Code.incompatibleABI, "was built for plugin ABI 9.0, this host has 1.0"),
        ("newer-minor", .incompatibleABI, "was built for plugin ABI 1.99, this host has 1.0"),
        ("no-entry", .unloadable, "it has no apus_plugin_entry"),
        ("null-entry", .wrongDescriptor, "apus_plugin_entry returned null"),
        ("undefined-symbol", .unloadable, "nobody_has_this"),
        ("small-table", .wrongDescriptor, "table of apus.controller/1 has 8 bytes, fewer than the 40"),
        ("no-table", .wrongDescriptor, "lacks table"),
        ("missing-slot", .wrongDescriptor, "lacks reconcile, which apus.controller/1 requires"),
        ("wrong-extension", .wrongDescriptor, "the manifest says kind Controller (apus.controller/1), but component fixture"),
        ("wrong-name", .wrongDescriptor, "has no component fixture; it offers other"),
        ("create-fails", .initFailed, "create answered FAULT: no luck today"),
    ])
    func isRefused(_ fixture: String, _ code: PluginError.Code, _ sentence: String) throws {
        let workshop = try Workshop()
        try workshop.fixture(fixture)
        try workshop.controllerManifest("broken", library: fixture, extra: "  required: true")
        let error = try #require(throws: PluginError.self) { try workshop.host().load() }
        #expect(error.code == code && error.plugin == "broken")
        #expect(error.message.contains(sentence), "\(error.message)")
    }

    @Test func aMissingLibraryNamesTheDirectories() throws {
        let workshop = try Workshop()
        try workshop.controllerManifest("lost", library: "nowhere", extra: "  required: true")
        let error = try #require(throws: PluginError.self) { try workshop.host().load() }
        #expect(error.code == .missingLibrary && error.message.contains(workshop.directory))
    }

    @Test func whatIsNotRequiredIsKeptWithItsReason() async throws {
        let workshop = try Workshop()
        try workshop.fixture("wrong-major")
        try workshop.fixture("start-fails")
        try workshop.fixture("good")
        try workshop.controllerManifest("a-broken", library: "wrong-major")
        try workshop.controllerManifest("b-good", library: "good")
        try workshop.controllerManifest("c-late", library: "start-fails")
        try workshop.controllerManifest("d-off", library: "good", extra: "  enabled: false")
        let host = workshop.host()
        try host.load()
        try await host.start(services: .noting())
        #expect(host.plugins.map(\.state) == [.failed, .running, .failed, .skipped])
        #expect(host.plugins[2].reason == "start answered UNAVAILABLE: cannot begin")
        #expect(host.plugins[3].reason == "disabled by its manifest")
        #expect(host.plugins[1].version == "1.2.3")
        #expect(host.controllers.map(\.name) == ["b-good"])
        await host.stop()
        #expect(host.plugins.map(\.state) == [.failed, .stopped, .failed, .skipped])
        #expect(host.controllers.isEmpty)
    }

    @Test func outcomesComeThroughAndAreCounted() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        try workshop.controllerManifest("good", library: "good")
        let host = workshop.host()
        try host.load()
        try await host.start(services: .noting())
        let controller = try #require(host.controllers.first)
        func outcome(_ name: String) async -> String {
            "\(await controller.reconcile(ControllerKey(resource: .namespaces, namespace: "", name: name)))"
        }
        #expect(await outcome("fine") == "done(after: nil)")
        #expect(await outcome("again") == "done(after: Optional(1.5 seconds))")
        #expect(await outcome("retry") == "retry(message: nil)")
        #expect(await outcome("fault") == "failed(message: \"it broke\")")
        let slot = host.plugins[0].slots[0]
        #expect(slot.name == "reconcile" && slot.calls == 4 && slot.errors == 1 && slot.nanoseconds > 0)
        await host.stop()
        #expect(await outcome("fine") == "retry(message: nil)")
    }
}
