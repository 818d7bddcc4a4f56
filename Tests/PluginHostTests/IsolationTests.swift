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
        let plugin = try IsolatedFixture("good", in: workshop, ["limits": ["openFiles": 77, "processes": 5]])
        defer { plugin.end() }
        let pid = try #require(plugin.instance.process).pid
        let threads = try ProcessFacts.threads(pid)
        #expect(threads.count > 1)
        for thread in threads {
            #expect(thread["NoNewPrivs"] == "1")
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"] { #expect(thread[set] == "0000000000000000", "\(set)") }
            let user = PluginUser.id(of: "good")
            #expect(thread["Uid"] == "\(user)\t\(user)\t\(user)\t\(user)")
            #expect(thread["Gid"] == "\(user)\t\(user)\t\(user)\t\(user)")
            #expect(thread["Groups"] == "")
            #expect(thread["Seccomp"] == "2")
        }
        #expect(threads.contains { $0["NSpid"] == "\(pid)\t1" }, "process 1 of its own")
        let limits = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
        #expect(limits.contains(#/Max open files +77 +77 /#))
        #expect(limits.contains(#/Max core file size +0 +0 /#))
        for namespace in ["net", "pid", "mnt", "ipc", "uts", "cgroup"] {
            let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/\(namespace)")
            #expect(own != (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(namespace)")), "\(namespace)")
        }
        // An empty input, what it prints to, and how much memory it has.
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap(Int.init).sorted()
        let targets = try open.map { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)") }
        // Of the two that are files it is shown no more than the name: they lie outside of its root.
        #expect(targets.map { $0.split(separator: "/").last?.prefix { $0 != "[" } } == ["null", "pipe:", "pipe:", "statm"], "\(targets)")
        #expect(try String(contentsOfFile: "/proc/\(pid)/environ", encoding: .utf8) == "SWIFT_BACKTRACE=enable=no\0")
    }

    @Test func limitsHoldForAllItStarts() throws {
        let workshop = try Workshop()
        let limits: Value = ["memory": "100Mi", "cpu": "250m", "processes": 7]
        let plugin = try IsolatedFixture("good", in: workshop, ["limits": limits])
        let pid = try #require(plugin.instance.process).pid
        func setting(_ controller: String, _ first: String, _ second: String) throws -> String {
            let (group, isUnified) = try #require(try ProcessFacts.controlGroup(pid, controller), "this machine has no \(controller)")
            #expect(group.contains("/apus-plugins/good."))
            return try String(contentsOfFile: "\(group)/\(isUnified ? second : first)", encoding: .utf8).trimmingCharacters(in: .newlines)
        }
        #expect(try setting("memory", "memory.limit_in_bytes", "memory.max") == "\(164 << 20)")
        #expect(try ["25000", "25000 100000"].contains(setting("cpu", "cpu.cfs_quota_us", "cpu.max")))
        #expect(try setting("pids", "pids.max", "pids.max") == "264")
        #expect(plugin.instance.caveat == nil)
        let group = try #require(try ProcessFacts.controlGroup(pid, "pids")).path
        plugin.end()
        #expect(access(group, F_OK) != 0, "nothing is left of it")
    }

    /// Between two plugins that take over from each other, and between those of one name: a user is a plugin's.
    @Test func noTwoPluginsShareAUser() {
        let names = (0..<2000).flatMap { number in ["policy", "controller", "proxy", "runtime"].map { "\($0)-\(number)" } }
        let ids = names.map(PluginUser.id(of:))
        #expect(Set(ids).count == names.count && ids.allSatisfy(PluginUser.range.contains))
        #expect(Set(names.map(PluginUser.first(for:))).count < names.count, "some would have met")
        #expect(names.map(PluginUser.id(of:)) == ids)
    }

    /// What a hierarchy can limit, as the kernel tells it.
    @Test func knowsWhereControlGroupsAre() {
        let hybrid = """
            30 25 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
            31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
            33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:16 master:2 - cgroup cgroup rw,cpu,cpuacct
            34 30 0:30 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
            garbage
            35 30 0:31 / /broken rw -
            """
        let all = ControlGroupHierarchy.all(mounts: hybrid) { $0 == "/sys/fs/cgroup/unified" ? "hugetlb pids\n" : "" }
        #expect(
            all == [
                ControlGroupHierarchy(mountPoint: "/sys/fs/cgroup/unified", controllers: ["hugetlb", "pids"], isUnified: true),
                ControlGroupHierarchy(mountPoint: "/sys/fs/cgroup/cpu,cpuacct", controllers: ["rw", "cpu", "cpuacct"], isUnified: false),
                ControlGroupHierarchy(mountPoint: "/sys/fs/cgroup/memory", controllers: ["rw", "memory"], isUnified: false),
            ])
    }

    @Test func orphansOfItsOrphansEndWithIt() throws {
        let workshop = try Workshop()
        let name = "orphan-\(UInt16.random(in: 0...UInt16.max))"
        let plugin = try IsolatedFixture("leaves-orphans", in: workshop, ["kind": "Runtime", "config": ["name": .string(name)]])
        #expect(ProcessFacts.isThere(called: name))
        kill(try #require(plugin.instance.process).pid, SIGKILL)
        // The next one starts another.
        try plugin.awaitRestart()
        plugin.end()
        #expect(!ProcessFacts.isThere(called: name))
    }

    /// As `kill` without further ado, or an operator who tries out what a crash does.
    @Test(arguments: [(SIGSEGV, "11 (SIGSEGV)"), (SIGTERM, "15 (SIGTERM)"), (SIGABRT, "6 (SIGABRT)")])
    func canBeEndedByASignal(_ signal: Int32, _ words: String) throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("good", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        kill(try #require(plugin.instance.process).pid, signal)
        try plugin.awaitRestart()
        #expect(plugin.heard.notices.value.first?.contains("was ended by signal \(words)") == true, "\(plugin.heard.notices.value)")
    }

    /// The process may end at any moment between `create` and `start`; the one that runs in the end was started once.
    @Test(arguments: 0..<8) func everyProcessIsStartedOnce(_ pause: Int) throws {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("counts-starts", in: workshop)
        defer { plugin.end() }
        kill(try #require(plugin.instance.process).pid, SIGKILL)
        usleep(UInt32(pause * 30_000))
        var isStarted = true
        do { try plugin.instance.start() } catch { isStarted = false }
        try plugin.awaitRestart()
        let (status, again, _) = plugin.reconcile("any")
        #expect(status == APUS_OK && (again == 1 || !isStarted && again == 0), "started \(again) times")
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
        let pipe = "\(workshop.directory)/output"
        mkfifo(pipe, 0o600)
        let host = Process()
        let output = Pipe()
        host.executableURL = URL(fileURLWithPath: "/bin/sh")
        host.arguments = [
            "-c", "\"$0\" plugin-child orphan 65534 0 64 100 2 0 3<>\"$1\" 4</dev/null > \"$2\" & echo $!; cat \"$2\"; wait",
            IsolatedFixture.executable, file, pipe,
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
