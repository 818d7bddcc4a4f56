import Synchronization

/// The changes of a collection after a revision, in order, each once. It is a cursor into the collection's history and buffers nothing.
///
/// One task calls `next`; the rest is safe from anywhere.
public final class Watch: Sendable {
    private struct State {
        var cursor: Int
        /// The last revision handed out, or the one the watch started from.
        var delivered: UInt64
        var sleeper: CheckedContinuation<Void, Never>?
        var isWoken = false
        var isNudged = false
        var isCancelled = false
    }

    /// Few enough that a reader far behind does not hold the lock for long.
    private static let batch = 500

    public let collection: String
    public let namespace: String?
    private let memory: Memory
    private let state: Mutex<State>

    init(_ memory: Memory, collection: String, namespace: String?, cursor: Int, revision: UInt64) {
        self.memory = memory
        self.collection = collection
        self.namespace = namespace
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
        state.withLock { $0.isCancelled = true }
        memory.forget(self)
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
                guard let history = memory.collections[collection]?.history else { return max(state.delivered, memory.revision) }
                guard state.cursor >= history.first else { return state.delivered }
                for cursor in state.cursor..<max(history.end, state.cursor) where concerns(history[cursor]) {
                    return max(state.delivered, history[cursor].revision - 1)
                }
                return max(state.delivered, memory.revision)
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
                let events = try collect(memory.collections[collection]?.history, &state)
                if !events.isEmpty { return .events(events) }
                if state.isNudged {
                    state.isNudged = false
                    memory.collections[collection]?.waiters.removeValue(forKey: ObjectIdentifier(self))
                    return .events([])
                }
                memory.wait(self)
                return .wait
            }
        }
    }

    private func collect(_ history: History?, _ state: inout State) throws(StoreError) -> [Event] {
        guard let history else { return [] }
        guard state.cursor >= history.first else { throw .compacted(state.delivered, oldest: history.compacted) }
        var events: [Event] = []
        while state.cursor < history.end, events.count < Self.batch {
            let event = history[state.cursor]
            state.cursor += 1
            if event.revision > state.delivered, concerns(event) { events.append(event) }
        }
        if let last = events.last { state.delivered = last.revision }
        return events
    }

    private func concerns(_ event: Event) -> Bool { namespace.map { event.record.key.namespace == $0 } ?? true }

    /// Moves over events of other namespaces.
    func skip(to cursor: Int) { state.withLock { $0.cursor = cursor } }

    func wake() {
        let sleeper = state.withLock { state in
            state.isWoken = state.sleeper == nil
            defer { state.sleeper = nil }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Whether a `next` sleeps.
    var isWaiting: Bool { state.withLock { $0.sleeper != nil } }

    private func sleep(_ sleeper: CheckedContinuation<Void, Never>) {
        let isWoken = state.withLock { state in
            if !state.isWoken { state.sleeper = sleeper }
            return state.isWoken
        }
        if isWoken { sleeper.resume() }
    }
}
