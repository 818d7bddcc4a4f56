import Testing

@testable import PluginHost

@Suite struct SupervisionTests {
    private let start = ContinuousClock.now

    @Test func theDelayDoublesAndHealthResetsIt() {
        var delay = RestartDelay()
        let delays = (0..<11).map { _ in delay.delay(after: .seconds(59)) }
        #expect(delays == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000].map { .milliseconds($0) })
        #expect(delay.delay(after: .seconds(60)) == .milliseconds(100))
        #expect(delay.delay(after: .zero) == .milliseconds(200))
    }

    @Test func aProcessThatFellIsReplaced() {
        var supervision = Supervision()
        #expect(supervision.rose(at: start))
        #expect(supervision.fell(at: start + .seconds(1)) == .milliseconds(100))
        #expect(supervision.tryAgain())
        #expect(supervision.failed() == .milliseconds(200))
        #expect(supervision.tryAgain())
        #expect(supervision.rose(at: start + .seconds(2)))
        #expect(supervision.restarts == 2)
        #expect(supervision.fell(at: start + .seconds(62)) == .milliseconds(100), "it was healthy for a minute")
    }

    @Test func afterStopNothingIsStarted() {
        var up = Supervision()
        _ = up.rose(at: start)
        #expect(up.stop() == .callStop)
        #expect(up.stop() == .nothing)
        #expect(up.fell(at: start) == nil)

        var rising = Supervision()
        #expect(rising.stop() == .giveUp)
        #expect(!rising.rose(at: start))
        #expect(rising.failed() == nil)

        var down = Supervision()
        _ = down.rose(at: start)
        _ = down.fell(at: start)
        #expect(down.stop() == .giveUp)
        #expect(!down.tryAgain())
    }

    @Test(arguments: [
        (ChildEnding(status: 11), "was ended by signal 11 (SIGSEGV)"),
        (ChildEnding(status: 64), "was ended by signal 64"),
        (ChildEnding(status: 7 << 8), "ended itself with exit code 7"),
        (ChildEnding(status: 6, memory: 63 << 20, limit: 64 << 20), "used more memory than its limit of 64Mi (it had 63 MiB) and ended by signal 6 (SIGABRT)"),
        (ChildEnding(status: 11, memory: 9 << 20, limit: 64 << 20), "was ended by signal 11 (SIGSEGV)"),
        (ChildEnding(cause: .late(slot: "filter", after: .seconds(1)), status: 9), "did not answer filter within 1 s and was ended"),
        (ChildEnding(cause: .late(slot: "call", after: .milliseconds(5250)), status: 9), "did not answer call within 5250 ms and was ended"),
        (ChildEnding(cause: .flood(slot: "filter", limit: 64 << 10), status: 9), "wrote more than 64 KiB into a sink and was ended"),
        (ChildEnding(cause: .garbage("a message of kind 9"), status: 9), "broke the protocol of isolation (a message of kind 9) and was ended"),
        (ChildEnding(cause: .stopped, status: 9), "was stopped"),
    ])
    func endingsHaveASentence(_ ending: ChildEnding, _ sentence: String) { #expect(ending.sentence == sentence) }
}
