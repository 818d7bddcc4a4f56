import Glibc
import Testing

@testable import Host

struct HostLifeTests {
    private static let short = Duration.milliseconds(100)
    private static let long = HostLife.health

    @Test func startsAgainAtOnceAndThenLaterAndLater() {
        var life = HostLife(wasReady: true)
        let delays = (0..<9).map { _ -> Int32 in
            guard case .restart(let delay) = life.ended(.signalled(SIGSEGV), after: Self.short) else { return -1 }
            return Text.milliseconds(delay)
        }
        #expect(delays == [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000])
        #expect(life.ended(.signalled(SIGSEGV), after: Self.long) == .restart(after: .zero))
        #expect(life.ended(.exited(1), after: Self.short) == .restart(after: .milliseconds(100)))
        #expect(life.ended(.unknown, after: Self.short) == .restart(after: .milliseconds(200)))
    }

    @Test func endsWithAHostThatWasAskedTo() {
        var life = HostLife(wasReady: true)
        #expect(life.ended(.exited(0), after: Self.short) == .end(.exited(0)))
        life.isStopping = true
        #expect(life.ended(.signalled(SIGKILL), after: Self.short) == .end(.signalled(SIGKILL)))
    }

    @Test func aHostThatCannotStartIsNotTriedAgainAndOneThatCrashesIs() {
        var life = HostLife()
        #expect(life.ended(.exited(1), after: Self.short) == .end(.exited(1)))
        for _ in 1..<HostLife.tries {
            guard case .restart = life.ended(.signalled(SIGILL), after: Self.short) else {
                Issue.record("it is not tried again")
                return
            }
        }
        #expect(life.ended(.signalled(SIGILL), after: Self.short) == .giveUp(.signalled(SIGILL)))
    }

    @Test(arguments: [
        (ProcessEnd.exited(3), "ended itself with exit code 3", Int32(3)), (.signalled(SIGSEGV), "was ended by signal 11 (SIGSEGV)", 139),
        (.unknown, "ended", 1),
    ])
    func ends(end: ProcessEnd, sentence: String, code: Int32) {
        #expect(end.sentence == sentence)
        #expect(end.exitCode == code)
        #expect(ProcessEnd(text: end.text) == end)
    }

    @Test func readsNoEndFromAnythingElse() {
        for text in ["", "exit", "exit-", "exit-x", "signal-1-2", "other-1"] { #expect(ProcessEnd(text: text) == nil) }
        #expect(ProcessEnd(status: 0x0b) == .signalled(11))
        #expect(ProcessEnd(status: 0x8b) == .signalled(11))
        #expect(ProcessEnd(status: 0x0300) == .exited(3))
    }

    @Test(arguments: [ReadyMessage.ready("it is up"), .failed("two\nlines"), nil])
    func tellsWhoeverWaits(message: ReadyMessage?) {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        // Another may still have the pipe open when somebody is ready.
        let copy = dup(ends[1])
        if let message { message.send(to: ends[1]) } else { close(ends[1]) }
        if case .ready = message {} else { close(copy) }
        #expect(ReadyMessage.receive(from: ends[0]) == message)
        if case .ready = message { close(copy) }
    }
}
