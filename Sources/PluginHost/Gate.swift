internal import Dispatch
internal import Synchronization

/// Counts the calls under way in a component, so that its instance is destroyed only when none is left.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var callers = 0
        var waiter: DispatchSemaphore?
    }
    private let state = Mutex(State())

    func open() { state.withLock { $0.isOpen = true } }

    /// Whether a call may begin; then `leave` must follow.
    func enter() -> Bool {
        state.withLock { state in
            if state.isOpen { state.callers += 1 }
            return state.isOpen
        }
    }

    func leave() {
        let waiter = state.withLock { state -> DispatchSemaphore? in
            state.callers -= 1
            return state.callers == 0 ? state.waiter : nil
        }
        waiter?.signal()
    }

    /// No call begins from now on.
    func close() { state.withLock { $0.isOpen = false } }

    /// Waits until the last call has ended. Blocks. Returns whether it ended in time.
    func drain(seconds: Int) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let isEmpty = state.withLock { state in
            state.waiter = done
            return state.callers == 0
        }
        return isEmpty || done.wait(timeout: .now() + .seconds(seconds)) == .success
    }
}
