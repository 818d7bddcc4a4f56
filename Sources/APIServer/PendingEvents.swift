import Client
import Synchronization

/// The rest of a batch of events that one reader takes one by one.
final class PendingEvents: Sendable {
    private struct State {
        var events: [WatchEvent]
        var next = 0
    }
    private let state: Mutex<State>

    init(_ events: [WatchEvent]) { state = Mutex(State(events: events)) }

    func pop() -> WatchEvent? {
        state.withLock { state in
            guard state.next < state.events.count else { return nil }
            defer { state.next += 1 }
            return state.events[state.next]
        }
    }

    /// Call when all before are taken.
    func append(_ events: [WatchEvent]) { state.withLock { $0 = State(events: events) } }
}
