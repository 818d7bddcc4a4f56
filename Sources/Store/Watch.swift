import Synchronization

/// The changes of a collection after a revision, in order, each once. It is a cursor into the collection's history and buffers nothing.
///
/// One task calls `next`; the rest is safe from anywhere.
public final class Watch: Sendable {
    private struct State {
        var cursor: Int
        /// The last revision handed out, or the one the watch started from.
        var delivered: UInt64
        /// Whether it is in the collection's waiting room: then everything that concerns it has been handed out.
        var isWaiting = false
        var sleeper: CheckedContinuation<Void, Never>?
        var isWoken = false
        var isNudged = false
        var isCancelled = false
    }

    /// Few enough that a reader far behind does not hold the lock for long.
    private static let batch = 500

    public let collection: String
    let scope: Scope
    private let memory: Memory
    private let start: UInt64
    private let state: Mutex<State>

    init(_ memory: Memory, collection: String, scope: Scope, cursor: Int, revision: UInt64) {
        self.memory = memory
        self.collection = collection
        self.scope = scope
        start = revision
        state = Mutex(State(cursor: cursor, delivered: revision))
    }

    /// The next events, at least one, as soon as there are any; an empty batch after `nudge`; `nil` after `cancel` and when the store is
    /// closed.
    ///
    /// - Throws: `StoreError` with code `.compacted` when history has moved past this watch, `CancellationError` when the task is cancelled
    ///   (the watch is over then, too).
    public func next() async throws -> [Event]? {
        while true {
            switch try look() {
            case .events(let events): return events
            case .end:
                try Task.checkCancellation()
                return nil
            case .wait:
                await withTaskCancellationHandler {
                    await withCheckedContinuation { sleep($0) }
                } onCancel: {
                    cancel()
                }
            }
        }
    }

    /// Ends the watch; a waiting `next` returns `nil`.
    public func cancel() {
        memory.withState { memory in
            state.withLock { $0.isCancelled = true }
            memory.collections[collection]?.waiting.leave(self)
        }
        wake()
    }

    /// Makes a waiting `next`, or the next one that would wait, return an empty batch: how a server gets to send bookmarks without a timer
    /// per watch.
    public func nudge() {
        state.withLock { $0.isNudged = true }
        wake()
    }

    /// Everything up to this revision that the watch is about has been handed out by `next`.
    public var progress: UInt64 {
        memory.withState { memory in
            state.withLock { state in
                let everything = max(state.delivered, memory.revision)
                guard !state.isWaiting, let history = memory.collections[collection]?.history else { return everything }
                guard state.cursor >= history.first else { return state.delivered }
                for cursor in state.cursor..<max(history.end, state.cursor) where scope.concerns(history[cursor], self.memory.indexer) {
                    return max(state.delivered, history[cursor].revision - 1)
                }
                return everything
            }
        }
    }

    private enum Look {
        case events([Event])
        case wait
        case end
    }

    private func look() throws(StoreError) -> Look {
        try memory.withState { memory throws(StoreError) in
            try state.withLock { state throws(StoreError) in
                state.isWoken = false
                guard !state.isCancelled, !memory.isClosed else { return .end }
                if !state.isWaiting {
                    let events = try collect(memory.collections[collection]?.history, &state)
                    if !events.isEmpty { return .events(events) }
                }
                if state.isNudged {
                    state.isNudged = false
                    return .events([])
                }
                if !state.isWaiting {
                    state.isWaiting = true
                    memory.with(collection) { $0.waiting.enter(self) }
                }
                return .wait
            }
        }
    }

    private func collect(_ history: History?, _ state: inout State) throws(StoreError) -> [Event] {
        guard let history else { return [] }
        guard state.cursor >= history.first else { throw .compacted(state.delivered, oldest: history.compacted) }
        var events: [Event] = []
        let indexer = memory.indexer
        while state.cursor < history.end, events.count < Self.batch {
            let event = history[state.cursor]
            state.cursor += 1
            // Several events may share a revision, so it is no measure of what has been handed out.
            if event.revision > start, scope.concerns(event, indexer) { events.append(event) }
        }
        if let last = events.last { state.delivered = last.revision }
        return events
    }

    /// It has left the waiting room for the event at `cursor`, the first that concerns it since it went in.
    func goOn(at cursor: Int) {
        state.withLock { state in
            state.isWaiting = false
            state.cursor = cursor
        }
    }

    func wake() {
        let sleeper = state.withLock { state in
            state.isWoken = state.sleeper == nil
            defer { state.sleeper = nil }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Whether a `next` sleeps.
    var isSleeping: Bool { state.withLock { $0.sleeper != nil } }

    private func sleep(_ sleeper: CheckedContinuation<Void, Never>) {
        let isWoken = state.withLock { state in
            if !state.isWoken { state.sleeper = sleeper }
            return state.isWoken
        }
        if isWoken { sleeper.resume() }
    }
}
