import APIModel
import Glibc
import PluginAPI
import Testing

@testable import PluginHost

/// Each fixture has one defect, which its key `now` brings out. It costs the call under way and nothing else.
@Suite struct IsolationDefectTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var fixture: String
        var spec: [String: Value] = [:]
        /// What follows the plugin's name.
        var sentence: String
        var testDescription: String { fixture }
    }

    static let rows = [
        Row(fixture: "segfault", sentence: #"^was ended by signal 11 \(SIGSEGV\)$"#),
        Row(fixture: "loop", spec: ["deadlineSeconds": 1], sentence: #"^did not answer reconcile within 1 s and was ended$"#),
        Row(
            fixture: "leak", spec: ["limits": ["memory": "64Mi"]],
            sentence: #"^used more memory than its limit of 64Mi \(it had 6[34] MiB\) and ended by signal 11 \(SIGSEGV\)$"#),
        Row(fixture: "flood", sentence: #"^wrote more than 64 KiB into a sink and was ended$"#),
        Row(fixture: "calls-host", sentence: #"^ended itself with exit code 3$"#),
    ]

    @Test(arguments: rows) func costsTheCallUnderWay(_ row: Row) throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture(row.fixture, in: workshop, row.spec)
        defer { plugin.end() }
        try plugin.instance.start()
        let before = try #require(plugin.instance.process)
        #expect(plugin.reconcile("first").status == APUS_OK)

        let (status, _, text) = plugin.reconcile("now")
        #expect(status == APUS_UNAVAILABLE)
        let prefix = "plugin \(row.fixture) "
        #expect(text.hasPrefix(prefix))
        #expect(text.dropFirst(prefix.count).wholeMatch(of: try Regex(row.sentence)) != nil, "\(text)")

        try plugin.awaitRestart()
        #expect(plugin.reconcile("second").status == APUS_OK)
        let after = try #require(plugin.instance.process)
        #expect(after.restarts == 1)
        #expect(after.pid != before.pid)
        #expect(!ProcessFacts.isThere(before.pid))
        #expect(plugin.instance.incarnation == 2)
        let notices = plugin.heard.notices.value
        #expect(notices.count == 2)
        #expect(
            notices.first?.hasPrefix("crashed(reason: \"\(text.dropFirst(prefix.count))\", restartAfter: 0.1 seconds, ") == true,
            "\(notices)")
        #expect(notices.last == "restarted(incarnation: 2)")
    }

    @Test func aCallDuringTheDelayIsTold() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("segfault", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        _ = plugin.reconcile("now")
        // Until it serves again every call is answered, at once, with the same reason.
        while plugin.instance.incarnation == 1 {
            let (status, _, text) = plugin.reconcile("first")
            if status == APUS_OK { break }
            #expect(status == APUS_UNAVAILABLE)
            #expect(
                [
                    "plugin segfault was ended by signal 11 (SIGSEGV)",
                    "plugin segfault was ended by signal 11 (SIGSEGV); it is started again after 100 ms",
                ].contains(text), "\(text)"
            )
        }
        try plugin.awaitRestart()
        #expect(plugin.reconcile("first").status == APUS_OK)
    }

    @Test func aProcessThatEndsWithoutACallIsNoticedToo() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("good", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        let pid = try #require(plugin.instance.process).pid
        kill(pid, SIGKILL)
        try plugin.awaitRestart()
        #expect(plugin.heard.notices.value.first?.contains("was ended by signal 9 (SIGKILL)") == true)
        #expect(plugin.reconcile("first").status == APUS_OK)
    }

    @Test(arguments: [
        ("create-fails", PluginError.Code.initFailed, "create answered FAULT: no luck today"),
        ("wrong-major", .incompatibleABI, "was built for plugin ABI"),
        ("missing-slot", .wrongDescriptor, "lacks reconcile"),
        ("no-entry", .unloadable, "it has no apus_plugin_entry"),
    ])
    func saysWhyItCannotBeMade(_ fixture: String, _ code: PluginError.Code, _ words: String) throws {
        let workshop = try Workshop()
        let error = #expect(throws: PluginError.self) { _ = try IsolatedFixture(fixture, in: workshop) }
        #expect(error?.code == code)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(ProcessFacts.children(named: fixture).isEmpty)
    }

    @Test func saysWhichProgramCannotBeStarted() throws {
        let workshop = try Workshop()
        let error = #expect(throws: PluginError.self) { _ = try IsolatedFixture("good", in: workshop, executable: "/nowhere/apus") }
        #expect(error?.message == "/nowhere/apus cannot be started: No such file or directory")
    }
}
