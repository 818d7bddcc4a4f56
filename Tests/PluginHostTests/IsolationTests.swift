import APIModel
import CLinux
import Foundation
import PluginAPI
import Synchronization
import Testing

@testable import PluginHost

@Suite struct IsolationTests {
    @Test func answersAsInTheHost() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("good", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        #expect(plugin.reconcile("any") == (APUS_OK, 0, ""))
        #expect(plugin.reconcile("again") == (APUS_OK, 1500, ""))
        #expect(plugin.reconcile("retry") == (APUS_RETRY, 0, ""))
        #expect(plugin.reconcile("fault") == (APUS_FAULT, 0, "it broke"))
        #expect(plugin.instance.inspection?.version == "1.2.3")
        #expect(plugin.instance.inspection?.components == [LibraryInspection.Component(name: "fixture", extension: "apus.controller/1")])
        let process = try #require(plugin.instance.process)
        #expect(process.restarts == 0)
        #expect(process.residentBytes > 1 << 20)
    }

    @Test func hasNoRights() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("good", in: workshop, ["limits": ["openFiles": 77]])
        defer { plugin.end() }
        let pid = try #require(plugin.instance.process).pid
        let threads = try ProcessFacts.threads(pid)
        #expect(threads.count > 1)
        for thread in threads {
            #expect(thread["NoNewPrivs"] == "1")
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"] { #expect(thread[set] == "0000000000000000", "\(set)") }
            #expect(thread["Uid"] == "65534\t65534\t65534\t65534")
            #expect(thread["Gid"] == "65534\t65534\t65534\t65534")
            #expect(thread["Groups"] == "")
        }
        let limits = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
        #expect(limits.contains(#/Max open files +77 +77 /#))
        #expect(limits.contains(#/Max core file size +0 +0 /#))
        let network = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/net")
        #expect(network != (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")))
        // What it was given and nothing that this process has open.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap(Int.init).sorted()
        #expect(open.prefix(6) == [0, 1, 2, 3, 4, 5])
        for stream in 0...2 {
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(stream)") == "/dev/null")
        }
        for descriptor in open.dropFirst(6) {
            let target = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(descriptor)")
            #expect(!target.contains(workshop.directory))
        }
        #expect(try String(contentsOfFile: "/proc/\(pid)/environ", encoding: .utf8) == "SWIFT_BACKTRACE=enable=no\0")
    }

    @Test func proxiesKeepTheNetworkAndRuntimesTheirUser() {
        #expect(Confinement.of(.proxy) == Confinement(user: 65534, capabilities: 1 << 12 | 1 << 13, hasNetwork: true))
        #expect(Confinement.of(.runtime) == Confinement(user: 0, capabilities: 0, hasNetwork: true))
        for kind in [ExtensionKind.controller, .schedulerPolicy] {
            #expect(Confinement.of(kind) == Confinement(user: 65534, capabilities: 0, hasNetwork: false))
        }
    }

    @Test func callsTheHostFromAnyThread() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("calls-host", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        #expect(plugin.reconcile("shop") == (APUS_OK, 0, #"{"name":"shop"}"#))
        #expect(plugin.reconcile("own-thread") == (APUS_OK, 0, #"{"name":"own-thread"}"#))
        #expect(plugin.heard.logs.value == ["shop", "own-thread"])
    }

    @Test func takesCallsFromManyThreads() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("calls-host", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        let wrong = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for call in 0..<250 {
                let name = call % 50 == 0 ? "own-thread" : "shop-\(thread)-\(call)"
                if plugin.reconcile(name) != (APUS_OK, 0, #"{"name":"\#(name)"}"#) { wrong.add(1, ordering: .relaxed) }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(plugin.heard.logs.value.count == 8 * 250)
    }

    @Test func everyCallUnderWayIsAnsweredWhenTheProcessEnds() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("loop", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        let pid = try #require(plugin.instance.process).pid
        let texts = Locked<[String]>([])
        let answered = DispatchSemaphore(value: 0)
        for _ in 0..<4 {
            startThread(name: "caller") {
                let text = plugin.reconcile("now").text
                texts.change { $0.append(text) }
                answered.signal()
            }
        }
        // One thread for each call that is being served; the first one stays for the next.
        while try ProcessFacts.threads(pid).count < 5 { sched_yield() }
        kill(pid, SIGKILL)
        for _ in 0..<4 { try #require(answered.wait(timeout: .now() + .seconds(30)) == .success) }
        let told = Set(texts.value)
        #expect(texts.value.count == 4)
        #expect(
            told.isSubset(of: [
                "plugin loop was ended by signal 9 (SIGKILL)",
                "plugin loop was ended by signal 9 (SIGKILL); it is started again after 100 ms",
            ]), "\(told)")
    }

    @Test func twoOfOneLibraryDoNotMeet() throws {
        let workshop = try Workshop()
        let first = try IsolatedFixture("segfault", in: workshop)
        let second = try IsolatedFixture("segfault", in: workshop)
        defer {
            first.end()
            second.end()
        }
        try first.instance.start()
        try second.instance.start()
        #expect(first.instance.process?.pid != second.instance.process?.pid)
        #expect(first.reconcile("now").status == APUS_UNAVAILABLE)
        #expect(second.reconcile("any").status == APUS_OK)
        try first.awaitRestart()
        #expect(second.instance.incarnation == 1)
        #expect(second.heard.notices.value == [])
    }

    @Test func leavesNothingBehind() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("good", in: workshop)
        try plugin.instance.start()
        let pid = try #require(plugin.instance.process).pid
        #expect(ProcessFacts.isThere(pid))
        plugin.end()
        #expect(!ProcessFacts.isThere(pid), "neither a process nor a zombie")
        #expect(plugin.reconcile("any") == (APUS_UNAVAILABLE, 0, "plugin good was stopped"))
        #expect(plugin.instance.process?.pid == 0)
        #expect(plugin.heard.notices.value == [])
        plugin.end()
    }

    @Test func canBeStoppedWhileItWaitsToStartAgain() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("segfault", in: workshop)
        try plugin.instance.start()
        // The delay doubles: after some deaths there is time to stop in.
        for _ in 0..<3 {
            _ = plugin.reconcile("now")
            try plugin.awaitRestart()
        }
        _ = plugin.reconcile("now")
        plugin.end()
        #expect(ProcessFacts.children(named: "segfault").isEmpty)
        #expect(plugin.instance.incarnation == 4)
    }

    @Test func stopEndsACallThatHangs() throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("loop", in: workshop)
        try plugin.instance.start()
        let pid = try #require(plugin.instance.process).pid
        let answered = DispatchSemaphore(value: 0)
        let text = Locked("")
        startThread(name: "caller") {
            let answer = plugin.reconcile("now").text
            text.change { $0 = answer }
            answered.signal()
        }
        while try ProcessFacts.threads(pid).count < 2 { sched_yield() }
        plugin.end()
        #expect(answered.wait(timeout: .now() + .seconds(30)) == .success)
        #expect(text.value == "plugin loop was stopped")
        #expect(!ProcessFacts.isThere(pid))
    }

    /// A host that is killed cannot end its children.
    @Test func endsWithTheProcessThatStartedIt() throws {
        let workshop = try Workshop()
        let file = "\(workshop.directory)/mailboxes"
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        truncate(file, 64 << 20)
        let host = Process()
        let output = Pipe()
        host.executableURL = URL(fileURLWithPath: "/bin/sh")
        host.arguments = [
            "-c", "\"$0\" plugin-child orphan $$ 65534 0 0 64 3<>\"$1\" 4</dev/null & echo $!; wait", IsolatedFixture.executable, file,
        ]
        host.standardOutput = output
        try host.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let pid = try #require(Int32(line.trimmingCharacters(in: .whitespacesAndNewlines)))
        let child = apus_pidfd_open(pid)
        try #require(child >= 0)
        defer { close(child) }
        // From then on it waits for a host that never speaks.
        while try !String(contentsOfFile: "/proc/\(pid)/maps", encoding: .utf8).contains(file) { sched_yield() }
        kill(host.processIdentifier, SIGKILL)
        host.waitUntilExit()
        var ended = pollfd(fd: child, events: Int16(POLLIN), revents: 0)
        #expect(poll(&ended, 1, 30_000) == 1)
        _ = apus_pidfd_signal(child, SIGKILL)
    }
}
