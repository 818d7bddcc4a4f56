import Foundation
import Synchronization

/// Ends this process when one input takes too long or memory grows without end.
///
/// What takes long is told by the processor's time, so that a busy machine is no find; what waits for ever, by the clock.
final class Watchdog: Sendable {
    struct Limits: Sendable {
        /// Of the whole process, while one input is in hand.
        var processorTime: Duration
        var time: Duration
        /// In bytes, resident, above what was there before.
        var memory = 1 << 30
    }

    /// One input, from when it came.
    private struct Turn {
        var number: Int
        var processorTime: Duration
        var time: ContinuousClock.Instant
        var limits: Limits
    }

    private let turn = Mutex<(inHand: Turn?, count: Int)>((nil, 0))

    init() {
        Thread.detachNewThread { [self] in
            // Memory is looked at now and then, not for each input: what was there when an input was first seen counts as its beginning.
            var first: (number: Int, memory: Int) = (0, 0)
            while true {
                Thread.sleep(forTimeInterval: 0.1)
                guard let turn = turn.withLock({ $0.inHand }) else { continue }
                let memory = Self.memory
                if turn.number != first.number { first = (turn.number, first.number == 0 ? memory : min(memory, first.memory)) }
                Self.check(turn, grown: memory - first.memory)
            }
        }
    }

    func begin(_ limits: Limits) {
        let processorTime = Self.processorTime
        turn.withLock {
            $0.count += 1
            $0.inHand = Turn(number: $0.count, processorTime: processorTime, time: .now, limits: limits)
        }
    }

    func end() { turn.withLock { $0.inHand = nil } }

    private static func check(_ turn: Turn, grown: Int) {
        let limits = turn.limits
        if processorTime - turn.processorTime > limits.processorTime { Find.report("works for more than \(limits.processorTime)") }
        if .now - turn.time > limits.time { Find.report("takes more than \(limits.time)") }
        if grown > limits.memory { Find.report("takes more than \(limits.memory >> 20) MB") }
    }

    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private static var memory: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 12
    }
}
