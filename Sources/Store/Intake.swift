import Glibc
import Synchronization

/// Where writers wait for the writer thread: checks expectations, hands out revisions, remembers what is in flight.
final class Intake: Sendable {
    private struct State {
        var queue: [Write] = []
        /// The newest state of each key that is in flight, `nil` when it is a deletion.
        var pending: [Key: (revision: UInt64, record: Record?)] = [:]
        var revision: UInt64
        var phase = Phase.open
        var isThreadAsleep = false
        var statistics = Statistics()
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private enum Phase {
        case open
        /// Takes nothing new; what waits is still written.
        case closing
        case closed
    }

    private let memory: Memory
    private let state: Mutex<State>
    private let bell = Bell()

    init(memory: Memory) {
        self.memory = memory
        state = Mutex(State(revision: memory.revision))
    }

    // MARK: Writers

    /// The newest state, writes in flight included.
    func latest(_ key: Key) -> Record? { state.withLock { latest(key, $0) } }

    var statistics: Statistics { state.withLock(\.statistics) }

    func put(_ key: Key, _ body: Body, expecting: Expectation) async -> Result<Record, StoreError> {
        await enqueue(key) { current, revision throws(StoreError) in
            try Self.check(current, expecting, key)
            return (Record(key: key, body: body, revision: revision, createRevision: current?.createRevision ?? revision), false)
        }
    }

    func delete(_ key: Key, expecting: Expectation, final: Body?) async -> Result<Record, StoreError> {
        await enqueue(key) { current, revision throws(StoreError) in
            try Self.check(current, expecting, key)
            guard let current else { throw .notFound(key) }
            return (
                final.map { Record(key: key, body: $0, revision: revision, createRevision: current.createRevision) }
                    ?? current.restamped(revision), true
            )
        }
    }

    private func enqueue(_ key: Key, _ make: (Record?, UInt64) throws(StoreError) -> (Record, Bool)) async -> Result<Record, StoreError> {
        await withCheckedContinuation { answer in
            var mustRing = false
            do throws(StoreError) {
                mustRing = try state.withLock { state throws(StoreError) in
                    guard state.phase == .open else { throw .closed }
                    let current = latest(key, state)
                    let base = state.pending[key]?.revision ?? current?.revision ?? 0
                    let (record, isDeletion) = try make(current, state.revision + 1)
                    state.revision += 1
                    state.pending[key] = (record.revision, isDeletion ? nil : record)
                    state.queue.append(Write(record: record, isDeletion: isDeletion, base: base, answer: answer))
                    defer { state.isThreadAsleep = false }
                    return state.isThreadAsleep
                }
            } catch {
                answer.resume(returning: .failure(error))
            }
            if mustRing { bell.ring() }
        }
    }

    private func latest(_ key: Key, _ state: borrowing State) -> Record? {
        if let pending = state.pending[key] { return pending.record }
        return memory.find(key)
    }

    private static func check(_ current: Record?, _ expectation: Expectation, _ key: Key) throws(StoreError) {
        switch (expectation, current) {
        case (.any, _), (.absent, nil): return
        case (.absent, let current?): throw StoreError(code: .exists(current), message: "\(key) exists already")
        case (.revision, nil): throw .notFound(key)
        case (.revision(let expected), let current?):
            guard current.revision == expected else {
                throw StoreError(code: .conflict(current: current), message: "\(key) is at revision \(current.revision), not \(expected)")
            }
        }
    }

    // MARK: The writer thread

    /// Everything that waits; blocks until there is something or `patience` is over, which gives an empty batch. `nil` when the store
    /// closes and nothing waits.
    /// - Parameter gathering: how long to wait for company after a pause.
    func take(patience: Duration, gathering: Duration) -> [Write]? {
        for isSecondLook in [false, true] {
            let (writes, isOver) = state.withLock { state in
                let writes = state.queue
                state.queue = []
                let isOver = writes.isEmpty && state.phase != .open
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

    /// The writes are on disk and published.
    func succeed(_ writes: [Write]) {
        state.withLock { state in
            Self.settle(writes, &state)
            state.statistics.transactions += 1
            state.statistics.writes += UInt64(writes.count)
            state.statistics.problem = nil
        }
        for write in writes { write.answer.resume(returning: .success(write.record)) }
    }

    /// None of the writes is on disk. Those that wait and were checked against one of them fail with them.
    func fail(_ writes: [Write], _ error: StoreError) {
        let dependents = state.withLock { state in
            var lost = Set(writes.map(\.record.revision))
            Self.settle(writes, &state)
            var dependents: [Write] = []
            state.queue.removeAll { write in
                guard lost.contains(write.base) else { return false }
                lost.insert(write.record.revision)
                dependents.append(write)
                return true
            }
            Self.settle(dependents, &state)
            state.statistics.failures += UInt64(writes.count + dependents.count)
            state.statistics.problem = error.message
            return dependents
        }
        for write in writes + dependents { write.answer.resume(returning: .failure(error)) }
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

    private static func settle(_ writes: [Write], _ state: inout State) {
        for write in writes where state.pending[write.record.key]?.revision == write.record.revision {
            state.pending.removeValue(forKey: write.record.key)
        }
    }
}
