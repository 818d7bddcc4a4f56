import APIModel
import Dispatch
import PluginAPI
import Synchronization
import Testing

@testable import PluginHost

/// What the scheduler gets to see of the policies.
@Suite struct RosterTests {
    private func host(_ manifests: [PluginManifest], in workshop: Workshop) async throws -> PluginHost {
        try workshop.fixture("points-outside")
        let host = workshop.host()
        try host.load(manifests)
        try await host.start(services: .noting())
        return host
    }

    private func policy(_ name: String, _ spec: Value = .emptyObject) throws -> PluginManifest {
        try Workshop.plugin(name, .schedulerPolicy, library: "points-outside", spec)
    }

    @Test func aShadowStandsInForWhatItWouldReplaceOrAlone() async throws {
        let workshop = try Workshop()
        defer { withExtendedLifetime(workshop) {} }
        let host = try await host(
            [
                policy("a"), policy("b"), policy("candidate", ["mode": "Shadow", "replaces": "a", "weight": 7]),
                policy("loner", ["mode": "Shadow"]),
                policy("lost", ["mode": "Shadow", "replaces": "nobody"]),
            ], in: workshop)
        host.withSchedulerPolicies { set in
            #expect(set.active.map(\.name) == ["a", "b"])
            #expect(set.shadows.map(\.name) == ["candidate", "loner", "lost"])
            #expect(set.shadows.map { $0.policies.map(\.name) } == [["candidate", "b"], ["loner"], ["lost"]])
            #expect(set.shadows[0].policies[0].weight == 7)
        }
        #expect(host.schedulerPolicies.map(\.name) == ["a", "b"])
        #expect(host.plugins.map(\.state) == [.running, .running, .shadow, .shadow, .shadow])
        await host.stop()
        host.withSchedulerPolicies { #expect($0.active.isEmpty && $0.shadows.isEmpty) }
    }

    @Test func aShadowsRecordOutlivesASwapOfTheOthers() async throws {
        let workshop = try Workshop()
        defer { withExtendedLifetime(workshop) {} }
        let host = try await host([policy("a"), policy("candidate", ["mode": "Shadow", "replaces": "a"])], in: workshop)
        func record(_ pod: Int, differs: Bool) {
            host.withSchedulerPolicies {
                $0.shadows[0].record(
                    pod: "default/p\(pod)", active: "n1", activeReason: "83 points", candidate: "n2", candidateReason: "71 points",
                    differs: differs)
            }
        }
        for pod in 0..<15 { record(pod, differs: pod != 3) }
        await host.apply(try policy("a", ["weight": 2]))
        record(15, differs: true)
        let shadow = try #require(host.plugins[1].shadow)
        #expect(shadow.decided == 16 && shadow.differed == 15)
        #expect(shadow.examples.map(\.subject) == (6...15).map { "default/p\($0)" })
        #expect(host.plugins[0].shadow == nil)
        // Made active it starts anew, beside the one it would have replaced no longer.
        await host.apply(try policy("candidate", ["replaces": "a"]))
        #expect(host.plugins.map(\.state) == [.skipped, .running] && host.plugins[1].shadow == nil)
        #expect(host.schedulerPolicies.map(\.name) == ["candidate"])
        await host.stop()
    }

    @Test func aPolicyInUseIsNotTornDown() async throws {
        let workshop = try Workshop()
        defer { withExtendedLifetime(workshop) {} }
        let host = try await host([policy("a")], in: workshop)
        let next = try policy("a", ["weight": 2])
        let pool = ThreadPool(name: "test", limit: 1)
        let component = try #require(host.entries.withLock { $0[0].serving?.component })
        let isSwapped = DispatchSemaphore(value: 0)
        let observation = host.observe { _ in isSwapped.signal() }
        async let applied: Void = host.apply(next)
        await pool.run {
            // A cycle that began before the swap may be the old one's or the new one's; it keeps what it has.
            host.withSchedulerPolicies { set in
                let isOld = set.active.map(\.weight) == [1]
                isSwapped.wait()
                #expect(host.schedulerPolicies.map(\.weight) == [2])
                if isOld { #expect(component.call(0, apus_scheduler_policy.self, .lease) { _, _ in APUS_OK }.problem == nil) }
            }
        }
        await applied
        observation.cancel()
        #expect(component.call(0, apus_scheduler_policy.self, .lease) { _, _ in APUS_OK }.problem == "the plugin was stopped")
        await host.stop()
    }
}
