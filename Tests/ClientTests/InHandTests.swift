import APIModel
import CLinux
import Foundation
import Testing

@testable import Client

/// Each in a process of its own, which ends as it should not, and is asked about afterwards.
@Suite(.serialized)
struct InHandTests {
    /// Where the process notes, by the number of who asks.
    private static func path(of process: pid_t) -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("in-hand-\(process)").path
    }

    private static func begin() {
        // A stack trace is nobody's wish here, and takes its time.
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE] { signal(number, SIG_DFL) }
        guard InHand.open(path(of: getppid())) else { fatalError("no file: \(errno)") }
    }

    /// Ends the process, of which the compiler is to know nothing.
    private static func end() { abort() }

    private func read() throws -> InHand.End {
        defer { unlink(Self.path(of: getpid())) }
        return try #require(InHand.read(Self.path(of: getpid())))
    }

    private static let pod = InHand.Key(loop: .kubelet, resource: .pods, namespace: "default", name: "a-pod-with-a-long-name", uid: "u1")

    private static func withPod<R>(_ body: () throws -> R) rethrows -> R {
        try InHand.with(.kubelet, .pods, namespace: "default", name: "a-pod-with-a-long-name", uid: "u1", body)
    }

    @Test func tellsWhatAThreadHadInHandAndWhichSlotItWasIn() async throws {
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            let plugin = apus_in_hand_plugin("deployment", "Controller")
            InHand.with(.controllerManager, part: "deployment", .nodes, name: "outer") {
                InHandTests.withPod {
                    _ = apus_in_hand_enter(plugin, 1)
                    _ = raise(SIGSEGV)
                }
            }
        }
        let end = try read()
        #expect(end.signal == SIGSEGV)
        #expect(end.key == Self.pod)
        #expect(end.plugin?.name == "deployment" && end.plugin?.kind == "Controller" && end.plugin?.slot == 1)
    }

    @Test func aKeyThatIsDoneWithIsNotToldAnyMore() async throws {
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            let plugin = apus_in_hand_plugin("deployment", "Controller")
            InHand.with(.controllerManager, part: "deployment", .nodes, name: "outer") {
                InHandTests.withPod { apus_in_hand_leave(apus_in_hand_enter(plugin, 1)) }
                InHandTests.end()
            }
        }
        let end = try read()
        #expect(end.signal == SIGABRT)
        #expect(end.key == InHand.Key(loop: .controllerManager, part: "deployment", resource: .nodes, name: "outer"))
        #expect(end.plugin == nil)
    }

    @Test func aTaskHasItsKeyAlsoInAChildTaskAndAfterWaiting() async throws {
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            await InHand.with(.kubelet, .pods, namespace: "default", name: "a-pod-with-a-long-name", uid: "u1") {
                await withDiscardingTaskGroup { group in
                    group.addTask {
                        try? await Task.sleep(for: .milliseconds(1))
                        fatalError("a sentence for the log")
                    }
                }
            }
        }
        #expect(try read().key == Self.pod)
    }

    @Test func aThreadThatIsWaitedForHasTheKeyOfWhoWaits() async throws {
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            await InHand.with(.kubelet, .pods, namespace: "default", name: "a-pod-with-a-long-name", uid: "u1") {
                let key = InHand.current
                await withCheckedContinuation { (_: CheckedContinuation<Void, Never>) in
                    Thread.detachNewThread { InHand.with(key) { InHandTests.end() } }
                }
            }
        }
        #expect(try read().key == Self.pod)
    }

    @Test func aTaskThatOutlivesTheKeyItBeganWithHasNone() async throws {
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            let late = await InHand.with(.kubelet, .pods, namespace: "default", name: "a-pod-with-a-long-name", uid: "u1") {
                await Task.yield()
                return Task {
                    try? await Task.sleep(for: .milliseconds(20))
                    InHandTests.end()
                }
            }
            // Another key has the place by now.
            InHand.with(.scheduler, .pods, namespace: "default", name: "another") { _ = sleep(10) }
            await late.value
        }
        #expect(try read().key == nil)
    }

    @Test func whatAnotherProcessSendsIsNobodysFault() async throws {
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            let process = getpid()
            InHandTests.withPod {
                let sender = Process()
                sender.executableURL = URL(filePath: "/bin/sh")
                sender.arguments = ["-c", "kill -SEGV \(process)"]
                try? sender.run()
                _ = sleep(30)
            }
        }
        let end = try read()
        #expect(end.signal == SIGSEGV && end.sender != 0)
        #expect(end.key == nil)
    }

    /// The end of the stack is told from the handler's own.
    @Test func theEndOfTheStackIsCaught() async throws {
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            func deeper(_ depth: Int) -> Int { depth < 0 ? 0 : deeper(depth &+ 1) &+ deeper(depth &+ 2) }
            InHandTests.withPod { print(deeper(0)) }
        }
        let end = try read()
        #expect(end.signal == SIGSEGV && end.key == Self.pod)
    }

    @Test func withoutASignalTheOnlyKeyIsTold() async throws {
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            InHandTests.withPod { _ = kill(getpid(), SIGKILL) }
        }
        let end = try read()
        #expect(end.signal == 0 && end.key == Self.pod)
        await #expect(processExitsWith: .failure) {
            InHandTests.begin()
            InHandTests.withPod { InHandTests.withPod { _ = kill(getpid(), SIGKILL) } }
        }
        #expect(try read().key == nil)
    }

    @Test func refusesWhatIsNoSuchFile() throws {
        let path = Self.path(of: getpid())
        #expect(InHand.read(path) == nil)
        try Data(repeating: 7, count: 100).write(to: URL(filePath: path))
        defer { unlink(path) }
        #expect(InHand.read(path) == nil)
        #expect(InHand.read("/proc/self/mem") == nil)
    }
}
