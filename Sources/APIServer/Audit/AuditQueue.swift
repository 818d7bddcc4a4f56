import Synchronization

/// Events between the requests and what writes them: bounded, so that a slow server fills no memory. Safe from any task; one takes.
final class AuditQueue: Sendable {
    fileprivate struct State {
        var events: [AuditEvent] = []
        var isClosed = false
        /// Who takes, and how many events it waits for.
        var taker: (least: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Whether there was room for it.
    func put(_ event: AuditEvent) -> Bool {
        let (isTaken, taker) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard state.events.count < limit || state.isClosed else { return (false, nil) }
            state.events.append(event)
            return (true, state.takeTaker())
        }
        taker?.resume()
        return isTaken
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
        return state.withLock { state in
            guard !state.events.isEmpty else { return nil }
            let events = Array(state.events.prefix(most))
            state.events.removeFirst(events.count)
            return events
        }
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
        let taker = state.withLock { state in
            state.isClosed = true
            defer { state.taker = nil }
            return state.taker?.continuation
        }
        taker?.resume()
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
