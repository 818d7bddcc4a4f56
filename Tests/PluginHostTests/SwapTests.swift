import APIModel
import Foundation
import PluginAPI
import Synchronization
import Testing

@testable import PluginHost

/// Plugins that change while the host runs.
@Suite struct SwapTests {
    /// A running host, and what it told so far.
    private final class Stage: Sendable {
        let workshop: Workshop
        let host: PluginHost
        let told = Locked<[String]>([])
        private let observation = Locked<PluginObservation?>(nil)

        init(_ manifests: [PluginManifest], in workshop: Workshop) async throws {
            self.workshop = workshop
            host = workshop.host()
            try host.load(manifests)
            let told = told
            observation.change {
                $0 = host.observe { notice in told.change { $0.append("\(notice.plugin) \(notice.reason.rawValue): \(notice.message)") } }
            }
            try await host.start(services: .noting())
        }

        func states() -> [String] { host.plugins.map { "\($0.name) \($0.state)\($0.reason.isEmpty ? "" : ": \($0.reason)")" } }
        func status(_ name: String) throws -> PluginStatus { try #require(host.plugins.first { $0.name == name }) }
    }

    private func reconcile(_ plugin: ControllerPlugin, _ name: String = "x") async -> String {
        "\(await plugin.reconcile(ControllerKey(resource: .namespaces, namespace: "", name: name)))"
    }

    @Test func aNewVersionTakesOverAndTheOldOneIsRefused() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good", as: "v1")
        try workshop.fixture("good", as: "v2", defining: ["VERSION=\"2.0\""])
        let stage = try await Stage([Workshop.plugin("good", library: "v1", generation: 1)], in: workshop)
        let old = try #require(stage.host.controllers.first)
        #expect(await reconcile(old) == "done(after: nil)")
        await stage.host.apply(try Workshop.plugin("good", library: "v2", generation: 2))
        let new = try #require(stage.host.controllers.first)
        #expect(old !== new && stage.host.controllers.count == 1)
        #expect(await reconcile(old) == "retry(message: nil)")
        #expect(await reconcile(new) == "done(after: nil)")
        let status = try stage.status("good")
        #expect(
            status.state == .running && status.version == "2.0" && status.observedGeneration == 2 && status.calls == 1
                && status.abi == "1.0")
        #expect(stage.told.value.last == "good Swapped: libv2.so 2.0 took over from good libv1.so 1.2.3")
        await stage.host.stop()
    }

    @Test(arguments: [
        ("start-fails", "start answered UNAVAILABLE: cannot begin"), ("create-fails", "create answered FAULT: no luck today"),
        ("nowhere", "there is no libnowhere.so in"),
    ])
    func whenTheNewOneFailsTheOldOneGoesOn(_ fixture: String, _ reason: String) async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        if fixture != "nowhere" { try workshop.fixture(fixture) }
        let stage = try await Stage([Workshop.plugin("good", library: "good", generation: 1)], in: workshop)
        let old = try #require(stage.host.controllers.first)
        await stage.host.apply(try Workshop.plugin("good", library: fixture, generation: 2))
        #expect(stage.host.controllers.first === old)
        #expect(await reconcile(old) == "done(after: nil)")
        let status = try stage.status("good")
        #expect(
            status.state == .failed && status.reason.hasPrefix(reason) && status.observedGeneration == 2 && status.version == "1.2.3"
                && status.startTime != nil)
        let told = try #require(stage.told.value.last)
        #expect(told.hasPrefix("good Failed: \(reason)") && told.hasSuffix("; what ran before goes on"))
        // A better one is tried again.
        await stage.host.apply(try Workshop.plugin("good", library: "good", generation: 3, ["config": ["pace": 2]]))
        #expect(try stage.status("good").state == .running)
        #expect(stage.host.controllers.first !== old)
        await stage.host.stop()
    }

    @Test func whatSaysNothingNewDoesNothing() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        let stage = try await Stage([Workshop.plugin("good", library: "good", generation: 1)], in: workshop)
        let plugin = try #require(stage.host.controllers.first)
        await stage.host.apply(try Workshop.plugin("good", library: "good", generation: 5, ["required": true]))
        #expect(stage.host.controllers.first === plugin)
        #expect(try stage.status("good").observedGeneration == 5)
        #expect(stage.told.value == ["good Started: libgood.so 1.2.3 runs"])
        await stage.host.stop()
    }

    @Test func aNewFileUnderTheSamePathLoadsBesideTheOld() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        let manifest = try Workshop.plugin("good", library: "good")
        let stage = try await Stage([manifest], in: workshop)
        let before = try stage.status("good")
        try workshop.fixture("good", defining: ["VERSION=\"2.0\""])
        await stage.host.apply(manifest)
        let after = try stage.status("good")
        #expect(before.library == after.library && before.sha256 != after.sha256)
        #expect(before.version == "1.2.3" && after.version == "2.0" && after.state == .running)
        #expect(after.sha256 == (try workshop.sha256("good")))
        await stage.host.stop()
    }

    @Test func aPinThatDiffersIsRefused() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        let pin = try workshop.sha256("good")
        let stage = try await Stage([Workshop.plugin("good", library: "good", ["sha256": .string(pin)])], in: workshop)
        #expect(try stage.status("good").sha256 == pin)
        let wrong = String(repeating: "ab", count: 32)
        await stage.host.apply(try Workshop.plugin("good", library: "good", ["sha256": .string(wrong)]))
        let status = try stage.status("good")
        #expect(
            status.state == .failed
                && status.reason.hasPrefix("the manifest pins SHA-256 \(wrong), \(workshop.directory)/libgood.so is \(pin)"))
        #expect(stage.host.controllers.count == 1)
        await stage.host.stop()
    }

    @Test func enabledDisabledAndRemoved() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        let stage = try await Stage([], in: workshop)
        await stage.host.apply(try Workshop.plugin("a", library: "good"))
        #expect(stage.states() == ["a Running"])
        await stage.host.apply(try Workshop.plugin("a", library: "good", ["enabled": false]))
        #expect(stage.states() == ["a Skipped: disabled by its manifest"] && stage.host.controllers.isEmpty)
        await stage.host.apply(try Workshop.plugin("a", library: "good"))
        #expect(stage.states() == ["a Running"] && stage.host.controllers.count == 1)
        await stage.host.remove("a")
        await stage.host.remove("nobody")
        #expect(stage.states().isEmpty && stage.host.controllers.isEmpty)
        #expect(
            stage.told.value == [
                "a Started: libgood.so 1.2.3 runs", "a Stopped: stopped: disabled by its manifest", "a Started: libgood.so 1.2.3 runs",
                "a Stopped: stopped: it was removed",
            ])
        await stage.host.stop()
        await stage.host.apply(try Workshop.plugin("late", library: "good"))
        #expect(stage.states().isEmpty)
    }

    @Test func oneOfAKindStaysUntilItIsReplaced() async throws {
        let workshop = try Workshop()
        try workshop.fixture("proxy-idle")
        let stage = try await Stage([Workshop.plugin("old", .proxy, library: "proxy-idle")], in: workshop)
        await stage.host.apply(try Workshop.plugin("new", .proxy, library: "proxy-idle"))
        #expect(stage.states() == ["old Running", "new Skipped: old is the Proxy that runs; name it in spec.replaces or disable it"])
        await stage.host.apply(try Workshop.plugin("new", .proxy, library: "proxy-idle", ["replaces": "old"]))
        #expect(stage.states() == ["old Skipped: plugin new replaces it", "new Running"] && stage.host.proxy?.name == "new")
        // What it replaced comes back when it goes.
        await stage.host.remove("new")
        #expect(stage.states() == ["old Running"] && stage.host.proxy?.name == "old")
        await stage.host.stop()
    }

    @Test(arguments: [("other", UInt64(1)), ("fixture", 0)])
    func anotherProxysRulesGoOnceTheNewOneCarriesTheTraffic(_ component: String, _ cleanups: UInt64) async throws {
        let workshop = try Workshop()
        try workshop.fixture("proxy-idle")
        try workshop.fixture("proxy-idle", as: "new", defining: ["NAME=\"\(component)\"", "VERSION=\"2.0\""])
        let stage = try await Stage([Workshop.plugin("old", .proxy, library: "proxy-idle")], in: workshop)
        let host = stage.host
        let changes = host.changes(of: .proxy)
        let loop = Task {
            for await _ in changes where host.proxy?.name == "new" {
                // What the new one was told to put in place is there before anything of the old one goes.
                let before = host.plugins[0].slots[1].calls
                host.proxy?.didSync()
                return before
            }
            return UInt64.max
        }
        await host.apply(try Workshop.plugin("new", .proxy, library: "new", ["replaces": "old", "component": .string(component)]))
        #expect(await loop.value == 0)
        let cleanup = try #require(host.plugins.first?.slots.last)
        #expect(cleanup.name == "cleanup" && cleanup.calls == cleanups)
        await host.stop()
    }

    @Test func aReplacementThatFailsStopsNothing() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        try workshop.fixture("start-fails")
        let stage = try await Stage([Workshop.plugin("a", library: "good")], in: workshop)
        let running = try #require(stage.host.controllers.first)
        await stage.host.apply(try Workshop.plugin("b", library: "start-fails", ["replaces": "a"]))
        #expect(stage.states() == ["a Running", "b Failed: start answered UNAVAILABLE: cannot begin"])
        #expect(stage.host.controllers.first === running)
        #expect(stage.told.value.allSatisfy { !$0.contains("a Stopped") })
        await stage.host.stop()
    }

    @Test func aSwapWaitsForTheCallUnderWay() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        try workshop.fixture("good", as: "v2", defining: ["VERSION=\"2.0\""])
        let stage = try await Stage([Workshop.plugin("good", library: "good")], in: workshop)
        let component = try #require(stage.host.entries.withLock { $0[0].serving?.component })
        #expect(component.retain())
        let next = try Workshop.plugin("good", library: "v2")
        async let applied: Void = stage.host.apply(next)
        // The new one is in service while the old one still has a lease.
        for await _ in stage.host.changes(of: .controller) where stage.host.plugins[0].version == "2.0" { break }
        let leased = component.call(0, apus_controller.self, .lease) { _, _ in APUS_OK }
        #expect(leased.status == APUS_OK && leased.problem == nil)
        component.release()
        await applied
        #expect(component.call(0, apus_controller.self, .lease) { _, _ in APUS_OK }.problem == "the plugin was stopped")
        await stage.host.stop()
    }

    /// Its library keeps what it was lent, and may use it whenever it likes; the rest goes.
    @Test(.timeLimit(.minutes(1))) func nothingHoldsWhatWasSwappedOut() async throws {
        let workshop = try Workshop()
        try workshop.fixture("event-after-stop")
        let stage = try await Stage([Workshop.plugin("runtime", .runtime, library: "event-after-stop")], in: workshop)
        _ = await stage.host.runtime?.subscribe { _, _ in }
        weak let old = stage.host.entries.withLock { $0[0].serving?.component }
        await stage.host.apply(try Workshop.plugin("runtime", .runtime, library: "event-after-stop", ["config": ["pace": 2]]))
        // The thread that tore it down lets go of it last.
        while old != nil {
            try Task.checkCancellation()
            await Task.yield()
        }
        await stage.host.stop()
    }

    @Test func changesAreTold() async throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        let stage = try await Stage([], in: workshop)
        var changes = stage.host.changes(of: .controller).makeAsyncIterator()
        await changes.next()
        await stage.host.apply(try Workshop.plugin("a", library: "good"))
        await changes.next()
        #expect(stage.host.controllers.map(\.name) == ["a"])
        await stage.host.remove("a")
        await changes.next()
        #expect(stage.host.controllers.isEmpty)
        await stage.host.stop()
    }

    @Test func twoOfOneNameAreRefused() throws {
        let host = try Workshop().host()
        let error = try #require(throws: PluginError.self) {
            try host.load([Workshop.plugin("a", library: "x"), Workshop.plugin("a", library: "y")])
        }
        #expect(error.code == .duplicateName && error.plugin == "a")
    }
}
