import APIModel
import Foundation
import Logging
import PluginHost
import Testing

@testable import Client
@testable import Host

struct CrashTests {
    private static let key = InHand.Key(
        loop: .controllerManager, part: "deployment", resource: GroupVersionResource(group: "apps", version: "v1", resource: "deployments"),
        namespace: "default", name: "web", uid: "u")

    private static func record(
        process: Int32 = 12, signal: Int32 = SIGSEGV, sender: Int32 = 0, plugin: (name: String, kind: String, slot: Int)? = nil,
        key: InHand.Key? = nil
    ) -> InHand.End {
        InHand.End(
            process: process, signal: signal, sender: sender, threadName: "plugin", address: 0, instruction: 0, plugin: plugin, key: key)
    }

    @Test(arguments: [
        (
            (pid_t(12), ProcessEnd.signalled(SIGSEGV)), record(plugin: ("deployment", "Controller", 0), key: key),
            "the host, process 12, was ended by signal 11 (SIGSEGV) in slot reconcile of plugin deployment, with apps/v1/deployments default/web (controller-manager deployment) in hand",
            true
        ),
        (
            (12, .signalled(SIGILL)), record(signal: SIGILL, plugin: ("bad", "Controller", 128)),
            "the host, process 12, was ended by signal 4 (SIGILL) in slot create of plugin bad", true
        ),
        ((12, .signalled(SIGSEGV)), record(), "the host, process 12, was ended by signal 11 (SIGSEGV) on thread plugin", true),
        (
            (12, .signalled(SIGSEGV)), record(sender: 99),
            "the host, process 12, was ended by signal 11 (SIGSEGV), sent by process 99", false
        ),
        ((12, .signalled(SIGKILL)), record(signal: 0, key: key), "the host, process 12, was ended by signal 9 (SIGKILL)", false),
        // No signal was caught, as at the end of a stack that nobody watches over.
        (
            (12, .signalled(SIGSEGV)), record(signal: 0, key: key),
            "the host, process 12, was ended by signal 11 (SIGSEGV), with apps/v1/deployments default/web (controller-manager deployment) in hand",
            true
        ),
        ((12, .exited(1)), record(signal: 0), "the host, process 12, ended itself with exit code 1", false),
        // Somebody else's record.
        ((13, .signalled(SIGSEGV)), record(key: key), "the host, process 13, was ended by signal 11 (SIGSEGV)", true),
        // Nobody saw it end.
        (
            (12, .unknown), record(key: key),
            "the host, process 12, was ended by signal 11 (SIGSEGV), with apps/v1/deployments default/web (controller-manager deployment) in hand",
            true
        ),
        (nil, record(signal: SIGBUS), "the host, process 12, was ended by signal 7 (SIGBUS) on thread plugin", true),
    ])
    func sentences(end: (process: pid_t, end: ProcessEnd)?, record: InHand.End, sentence: String, isFault: Bool) throws {
        let crash = try #require(Crash(end, record, at: 1))
        #expect(crash.sentence == sentence)
        #expect(crash.isFault == isFault)
        #expect(Crash(crash.value) == crash)
    }

    @Test func aProcessThatNobodyMissesIsNoCrash() {
        #expect(Crash(nil, nil, at: 1) == nil)
        // A loss of power, say.
        #expect(Crash(nil, Self.record(signal: 0), at: 1) == nil)
    }

    @Test func anIsolatedPluginsProcessCountsForTheKeyInHand() throws {
        let crash = Crash(
            PluginCrash(process: 12, end: "was ended by signal 4 (SIGILL)", isFault: true, key: Self.key), of: "deployment", at: 1)
        #expect(
            crash.sentence
                == "plugin deployment, process 12, was ended by signal 4 (SIGILL), with apps/v1/deployments default/web (controller-manager deployment) in hand"
        )
        #expect(crash.suspect == Self.key)
        #expect(Crash(crash.value) == crash)
        var request = Self.key
        (request.loop, request.part, request.name) = (.apiServer, "list", "")
        #expect(Crash(PluginCrash(process: 12, end: "", isFault: true, key: request), of: "p", at: 1).suspect == nil)
        #expect(Crash(PluginCrash(process: 12, end: "", isFault: false, key: Self.key), of: "p", at: 1).suspect == nil)
    }

    @Test func whatIsKeptComesBack() throws {
        let directory = DataDirectory(FileManager.default.temporaryDirectory.appendingPathComponent("crashes-\(UUID().uuidString)").path)
        defer { try? FileManager.default.removeItem(atPath: directory.path) }
        try directory.make()
        let files = CrashFiles(directory)
        try files.make()
        #expect(files.crashes.isEmpty && files.suspects.all.isEmpty)
        var suspects = Suspects()
        for time in [1, 2] as [Whole] { suspects.note(Self.key, at: time, reason: "it crashed") }
        _ = suspects.ask(Self.key) { "f" }
        try files.write(suspects)
        #expect(files.suspects == suspects)
        let crash = try #require(Crash((12, .exited(1)), nil, at: 5))
        try files.write(Array(repeating: crash, count: CrashFiles.kept + 3))
        #expect(files.crashes == Array(repeating: crash, count: CrashFiles.kept))

        let request = try files.request(release: [Self.key])
        #expect(files.requests.map(\.file) == [request])
        #expect(files.requests.flatMap(\.keys) == [Self.key])
        try Data("no JSON".utf8).write(to: URL(filePath: "\(directory.crashDirectory)/quarantine.json"))
        #expect(files.suspects.all.isEmpty)
    }
}
