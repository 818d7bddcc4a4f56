import Testing

@testable import PluginHost

@Suite struct SupervisionTests {
    @Test func theDelayDoublesAndHealthResetsIt() {
        var delay = RestartDelay()
        let delays = (0..<11).map { _ in delay.delay(after: .seconds(59)) }
        #expect(delays == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000].map { .milliseconds($0) })
        let (healthy, next) = (delay.delay(after: .seconds(60)), delay.delay(after: .zero))
        #expect(healthy == .milliseconds(100))
        #expect(next == .milliseconds(200))
    }

    /// One event and what it is answered, in words.
    struct Step: Sendable {
        var event: String
        var apply: @Sendable (inout Supervision) -> String
        var answer: String

        private static let start = ContinuousClock.now
        static func rose(_ second: Int, _ answer: Bool) -> Step {
            Step(event: "rose", apply: { "\($0.rose(at: start + .seconds(second)))" }, answer: "\(answer)")
        }
        static func fell(_ second: Int, _ answer: Int?) -> Step {
            Step(event: "fell", apply: { text($0.fell(at: start + .seconds(second))) }, answer: text(answer))
        }
        static func failed(_ answer: Int?) -> Step { Step(event: "failed", apply: { text($0.failed()) }, answer: text(answer)) }
        static func tryAgain(_ answer: Bool) -> Step { Step(event: "tryAgain", apply: { "\($0.tryAgain())" }, answer: "\(answer)") }
        static func start(_ answer: Supervision.StartAction) -> Step {
            Step(event: "start", apply: { "\($0.start())" }, answer: "\(answer)")
        }
        static func created(_ second: Int, _ answer: Supervision.CreatedAction) -> Step {
            Step(event: "created", apply: { "\($0.created(at: start + .seconds(second)))" }, answer: "\(answer)")
        }
        static let startFailed = Step(
            event: "startFailed",
            apply: {
                $0.startFailed()
                return ""
            }, answer: "")
        static func stop(_ answer: Supervision.StopAction) -> Step { Step(event: "stop", apply: { "\($0.stop())" }, answer: "\(answer)") }
        private static func text(_ milliseconds: Int?) -> String { text(milliseconds.map { .milliseconds($0) }) }
        private static func text(_ duration: Duration?) -> String { duration.map { "\($0)" } ?? "never" }
    }

    @Test(arguments: [
        // It is replaced until one serves; after a minute of health the delay is the first again.
        [Step.rose(0, true), .fell(1, 100), .tryAgain(true), .failed(200), .tryAgain(true), .rose(2, true), .fell(62, 100)],
        // After stop nothing is started.
        [.rose(0, true), .stop(.callStop), .stop(.nothing), .fell(1, nil)],
        [.stop(.giveUp), .rose(0, false), .failed(nil)],
        [.rose(0, true), .fell(1, 100), .stop(.giveUp), .tryAgain(false)],
        [.rose(0, true), .fell(1, 100), .tryAgain(true), .stop(.giveUp), .rose(2, false)],
        // One process gets one `start`, from whoever was first: the one who asks, while it is up, or else the supervisor.
        [.created(0, .serve), .start(.callStart), .fell(1, 100), .tryAgain(true), .created(2, .callStart), .rose(3, true)],
        [.created(0, .serve), .fell(1, 100), .start(.wait), .tryAgain(true), .created(2, .callStart), .rose(3, true)],
        [.created(0, .serve), .fell(1, 100), .tryAgain(true), .start(.wait), .created(2, .callStart), .rose(3, true)],
        [.created(0, .serve), .fell(1, 100), .tryAgain(true), .created(2, .serve), .start(.callStart)],
        [.created(0, .serve), .start(.callStart), .startFailed, .fell(1, 100), .tryAgain(true), .created(2, .serve)],
        [.created(0, .serve), .stop(.callStop), .start(.refuse)],
        [.created(0, .serve), .fell(1, 100), .tryAgain(true), .stop(.giveUp), .created(2, .giveUp)],
        // What makes no sense changes nothing.
        [.tryAgain(false), .fell(0, nil), .rose(0, true), .rose(1, false), .tryAgain(false), .failed(nil), .fell(2, 100)],
    ])
    func answers(_ steps: [Step]) {
        var supervision = Supervision()
        for (index, step) in steps.enumerated() {
            let answer = step.apply(&supervision)
            #expect(answer == step.answer, "step \(index), \(step.event)")
        }
    }

    @Test func countsRestarts() {
        var supervision = Supervision()
        for _ in 0..<3 {
            _ = supervision.rose(at: .now)
            _ = supervision.fell(at: .now)
            _ = supervision.tryAgain()
        }
        #expect(supervision.restarts == 3)
    }

    @Test(arguments: [
        (ChildEnding(status: 11), "was ended by signal 11 (SIGSEGV)"),
        (ChildEnding(status: 64), "was ended by signal 64"),
        (ChildEnding(status: 7 << 8), "ended itself with exit code 7"),
        (
            ChildEnding(status: 6, memory: 63 << 20, limit: 64 << 20),
            "used more memory than its limit of 64Mi (it had 63 MiB) and ended by signal 6 (SIGABRT)"
        ),
        (ChildEnding(status: 11, memory: 9 << 20, limit: 64 << 20), "was ended by signal 11 (SIGSEGV)"),
        (
            ChildEnding(status: 9, limit: 64 << 20, ranOutOfMemory: true),
            "used more memory than its limit of 64Mi, with all that the system keeps for it, and was ended by signal 9 (SIGKILL)"
        ),
        (ChildEnding(cause: .late(slot: "filter", after: .seconds(1)), status: 9), "did not answer filter within 1 s and was ended"),
        (
            ChildEnding(cause: .late(slot: "call", after: .milliseconds(5250)), status: 9),
            "did not answer call within 5250 ms and was ended"
        ),
        (ChildEnding(cause: .flood(slot: "filter", limit: 64 << 10), status: 9), "wrote more than 64 KiB into a sink and was ended"),
        (
            ChildEnding(cause: .garbage("a message of kind 9"), status: 9),
            "broke the protocol of isolation (a message of kind 9) and was ended"
        ),
        (ChildEnding(cause: .stopped, status: 9), "was stopped"),
    ])
    func endingsHaveASentence(_ ending: ChildEnding, _ sentence: String) { #expect(ending.sentence == sentence) }
}
