import APIModel
import Client
import Foundation
import PluginAPI
import Testing

@testable import PluginHost

/// Which key counts when an isolated plugin's process ends: that of the call at fault.
@Suite(.serialized) struct CrashedKeyTests {
    /// Keys are noted in a file of this process's.
    private static let isNoted = InHand.open(FileManager.default.temporaryDirectory.appendingPathComponent("in-hand-\(getpid())").path)

    private func with(_ body: (IsolatedFixture) throws -> Void) throws {
        try #require(Self.isNoted)
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("crashes-on-poison", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        try body(plugin)
    }

    /// As the loop calls it, with the key noted.
    private static func reconcile(_ plugin: IsolatedFixture, _ name: String) -> apus_status {
        InHand.with(.controllerManager, part: "fixture", .namespaces, name: name) { plugin.reconcile(name).status }
    }

    /// Calls `slow` on another thread, and returns when the call is under way.
    private func occupy(_ plugin: IsolatedFixture) throws -> DispatchSemaphore {
        let pid = try #require(plugin.instance.process).pid
        let before = try ProcessFacts.threads(pid).count
        let answered = DispatchSemaphore(value: 0)
        // Two, of which one has the thread that is there already.
        for _ in 0..<2 {
            startThread(name: "caller") {
                _ = Self.reconcile(plugin, "slow")
                answered.signal()
            }
        }
        while try ProcessFacts.threads(pid).count <= before { sched_yield() }
        return answered
    }

    @Test func itIsTheOneAtFaultAndNotTheOthers() throws {
        try with { plugin in
            let answered = try occupy(plugin)
            #expect(Self.reconcile(plugin, "poison") == APUS_UNAVAILABLE)
            for _ in 0..<2 { try #require(answered.wait(timeout: .now() + .seconds(30)) == .success) }
            try plugin.awaitRestart()
            let crash = try #require(plugin.heard.crashes.value.first)
            #expect(crash.isFault)
            #expect(crash.end == "was ended by signal 4 (SIGILL)")
            #expect(crash.key == InHand.Key(loop: .controllerManager, part: "fixture", resource: .namespaces, name: "poison"))
        }
    }

    @Test func anExitIsTheFaultOfTheOnlyCall() throws {
        try with { plugin in
            #expect(Self.reconcile(plugin, "exit") == APUS_UNAVAILABLE)
            try plugin.awaitRestart()
            let crash = try #require(plugin.heard.crashes.value.first)
            #expect(crash.isFault && crash.key?.name == "exit")
        }
    }

    @Test(arguments: [SIGSEGV, SIGKILL]) func whatAnotherProcessSendsIsNobodysFault(_ signal: Int32) throws {
        try with { plugin in
            let answered = try occupy(plugin)
            kill(try #require(plugin.instance.process).pid, signal)
            for _ in 0..<2 { try #require(answered.wait(timeout: .now() + .seconds(30)) == .success) }
            try plugin.awaitRestart()
            let crash = try #require(plugin.heard.crashes.value.first)
            #expect(!crash.isFault && crash.key == nil)
        }
    }
}
