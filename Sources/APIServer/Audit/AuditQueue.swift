import Synchronization

/// Events between the requests and what writes them: bounded, so that a slow disk or server fills no memory. Safe from any task; one takes.
final class AuditQueue: Sendable {
    /// What becomes of an event for which there is no room.
    enum Overflow: Sendable {
        /// The request waits.
        case wait
        /// It is lost, and counted.
        case drop
    }

    fileprivate struct State {
        var events: [AuditEvent] = []
        var dropped = 0
        var isClosed = false
        /// Who takes, and how many events it waits for.
        var taker: (least: Int, continuation: CheckedContinuation<Void, Never>)?
        var givers: [CheckedContinuation<Void, Never>] = []
    }

    private let limit: Int
    private let overflow: Overflow
    private let state = Mutex(State())

    init(limit: Int, overflow: Overflow) {
        self.limit = limit
        self.overflow = overflow
    }

    /// How many were lost.
    var dropped: Int { state.withLock { $0.dropped } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Returns at once while there is room.
    func put(_ event: AuditEvent) async {
        while !tryPut(event) {
            await withCheckedContinuation { giver in
                let isRoom = state.withLock { state in
                    if state.events.count >= limit, !state.isClosed { state.givers.append(giver) }
                    return state.events.count < limit || state.isClosed
                }
                if isRoom { giver.resume() }
            }
        }
    }

    /// Whether the event is dealt with.
    private func tryPut(_ event: AuditEvent) -> Bool {
        let (isDone, taker) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard state.events.count < limit || state.isClosed else {
                guard overflow == .drop else { return (false, nil) }
                state.dropped += 1
                return (true, nil)
            }
            state.events.append(event)
            return (true, state.takeTaker())
        }
        taker?.resume()
        return isDone
    }

    /// The oldest events: as soon as there is one, or when there are as many as wanted or `patience` is over. `nil` once the queue is closed
    /// and empty.
    func take(upTo most: Int, patience: Duration = .zero) async -> [AuditEvent]? {
        await wait(for: 1)
        if patience > .zero {
            await withTaskGroup(of: Void.self) { race in
                race.addTask { await self.wait(for: most) }
                race.addTask { try? await Task.sleep(for: patience) }
                await race.next()
                race.cancelAll()
            }
        }
        let (events, givers) = state.withLock { state -> ([AuditEvent]?, [CheckedContinuation<Void, Never>]) in
            guard !state.events.isEmpty else { return (nil, []) }
            let events = Array(state.events.prefix(most))
            state.events.removeFirst(events.count)
            defer { state.givers = [] }
            return (events, state.givers)
        }
        for giver in givers { giver.resume() }
        return events
    }

    private func wait(for least: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    let isThere = state.events.count >= min(least, limit) || state.isClosed || Task.isCancelled
                    if !isThere { state.taker = (min(least, limit), continuation) }
                    return isThere
                }
                if isThere { continuation.resume() }
            }
        } onCancel: {
            let taker = state.withLock { state in
                defer { state.taker = nil }
                return state.taker?.continuation
            }
            taker?.resume()
        }
    }

    /// What is there is still taken; nobody waits any more.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { (state.givers, state.taker) = ([], nil) }
            return state.givers + (state.taker.map { [$0.continuation] } ?? [])
        }
        for one in waiting { one.resume() }
    }
}

extension AuditQueue.State {
    /// Who takes, if there is enough.
    fileprivate mutating func takeTaker() -> CheckedContinuation<Void, Never>? {
        guard let taker, events.count >= taker.least else { return nil }
        self.taker = nil
        return taker.continuation
    }
}
