import Glibc
import Synchronization

/// Where writes wait for the writer thread: one of each key at a time.
final class Intake: Sendable {
    private struct State {
        /// What the thread takes next.
        var queue: [Write] = []
        /// The keys with a write that is not answered yet, and the writes that wait for it.
        var busy: [RecordKey: [Write]] = [:]
        var phase = Phase.open
        var isThreadAsleep = false
        var statistics = Statistics()
        var closers: [CheckedContinuation<Void, Never>] = []

        /// Returns whether the thread must be woken.
        mutating func wakesThread() -> Bool {
            defer { isThreadAsleep = false }
            return isThreadAsleep
        }
    }

    private enum Phase {
        case open
        /// Takes nothing new; what waits is still written.
        case closing
        case closed
    }

    private let memory: Memory
    private let state = Mutex(State())
    private let bell = Bell()

    init(memory: Memory) { self.memory = memory }

    // MARK: Writers

    var statistics: Statistics { state.withLock(\.statistics) }

    /// Returns when the write is answered.
    func write(_ key: RecordKey, _ action: Mutation.Action, expecting expectation: Expectation) async -> Result<Record, StoreError> {
        await withCheckedContinuation { answer in
            let write = Write(key: key, expectation: expectation, action: action, answer: answer)
            let (isTaken, mustRing) = state.withLock { state in
                guard state.phase == .open else { return (false, false) }
                guard state.busy[key] == nil else {
                    state.busy[key]?.append(write)
                    return (true, false)
                }
                state.busy[key] = []
                state.queue.append(write)
                return (true, state.wakesThread())
            }
            if !isTaken { answer.resume(returning: .failure(.closed)) }
            if mustRing { bell.ring() }
        }
    }

    // MARK: The writer thread

    /// Everything that waits, no key twice; blocks until there is something or `patience` is over, which gives an empty batch. `nil` when
    /// the store closes and everything is answered.
    /// - Parameter gathering: how long to wait for company after a pause.
    func take(patience: Duration, gathering: Duration) -> [Write]? {
        for isSecondLook in [false, true] {
            let (writes, isOver) = state.withLock { state in
                let writes = state.queue
                state.queue = []
                let isOver = writes.isEmpty && state.busy.isEmpty && state.phase != .open
                state.isThreadAsleep = writes.isEmpty && !isOver && !isSecondLook
                return (writes, isOver)
            }
            if isOver { return nil }
            if !writes.isEmpty || isSecondLook { return writes }
            bell.wait(patience)
            if gathering > .zero { bell.wait(gathering) }
        }
        return []
    }

    /// These are the outcomes, and readers see them.
    func settle(_ writes: [Write], _ outcomes: [Mutation.Outcome]) {
        var answers = zip(writes, outcomes).map { write, outcome -> Answer in
            switch outcome {
            case .committed(let record): (write, .success(record))
            case .refused: (write, .failure(write.refusal(memory.find(write.key))))
            }
        }
        let committed = answers.count { if case .success = $0.result { true } else { false } }
        let mustRing = state.withLock { state in
            if committed > 0 {
                state.statistics.transactions += 1
                state.statistics.writes += UInt64(committed)
            }
            state.statistics.problem = nil
            return release(writes, &state, &answers)
        }
        if mustRing { bell.ring() }
        for (write, result) in answers { write.answer.resume(returning: result) }
    }

    /// Nothing of the writes is kept.
    func fail(_ writes: [Write], _ error: StoreError) {
        var answers = writes.map { write -> Answer in (write, .failure(error)) }
        let mustRing = state.withLock { state in
            state.statistics.failures += UInt64(writes.count)
            state.statistics.problem = error.message
            return release(writes, &state, &answers)
        }
        if mustRing { bell.ring() }
        for (write, result) in answers { write.answer.resume(returning: result) }
    }

    private typealias Answer = (write: Write, result: Result<Record, StoreError>)

    /// Lets the next write of each key go on, and answers those that are too late. Returns whether the thread must be woken.
    private func release(_ writes: [Write], _ state: inout State, _ answers: inout [Answer]) -> Bool {
        for write in writes {
            guard var waiting = state.busy.removeValue(forKey: write.key), !waiting.isEmpty else { continue }
            let newest = memory.find(write.key)
            waiting.removeAll { next in
                guard next.isLate(newest) else { return false }
                answers.append((next, .failure(next.refusal(newest))))
                return true
            }
            guard !waiting.isEmpty else { continue }
            state.queue.append(waiting.removeFirst())
            state.busy[write.key] = waiting
        }
        return !state.queue.isEmpty || state.phase != .open ? state.wakesThread() : false
    }

    /// Takes nothing more, and ends the thread when all that waits is written.
    func stop() {
        state.withLock { if $0.phase == .open { $0.phase = .closing } }
        bell.ring()
    }

    /// The thread has ended.
    func finish() {
        let closers = state.withLock { state in
            state.phase = .closed
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    func waitUntilClosed() async {
        await withCheckedContinuation { closer in
            let isClosed = state.withLock { state in
                if state.phase != .closed { state.closers.append(closer) }
                return state.phase == .closed
            }
            if isClosed { closer.resume() }
        }
    }
}
