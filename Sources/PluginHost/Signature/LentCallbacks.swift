internal import Dispatch
internal import Glibc
internal import Synchronization

/// Callbacks that this side lent to the far side beyond one call.
///
/// Until the call that lends them is answered, calls on other threads wait: if the answer is not OK, the lender's context is gone, and they
/// go nowhere.
///
/// The last call of an `.until` structure is made exactly once if the call that lent it answered OK, and not at all otherwise; never before
/// that answer has arrived, and never beside another call.
final class LentCallbacks: @unchecked Sendable {
    // Sendable because the copy of the structure is constant, and the lender keeps its context as the callbacks' life says.
    let callbacks: Callbacks
    let context: UnsafeMutableRawPointer?
    private let functions: [UnsafeRawPointer?]
    private let lender = pthread_self()

    private struct State {
        enum Phase { case lending, lent, over }
        var phase = Phase.lending
        var calls = 0
        var endIsDue = false
        var waiting: [DispatchSemaphore] = []
    }
    private let state = Mutex(State())

    init(_ callbacks: Callbacks, _ structure: UnsafeRawPointer) {
        self.callbacks = callbacks
        context = Callbacks.context(of: structure)
        functions = callbacks.slots.indices.map { callbacks.function($0, of: structure) }
    }

    func function(_ slot: Int) -> UnsafeRawPointer? { functions[slot] }

    /// Whether a call may begin; if so, `leave` must follow.
    func enter() -> Bool {
        let isLender = pthread_equal(pthread_self(), lender) != 0
        let (mayEnter, wait) = state.withLock { state -> (Bool, DispatchSemaphore?) in
            guard state.phase != .over, !state.endIsDue else { return (false, nil) }
            state.calls += 1
            guard state.phase == .lending, !isLender else { return (true, nil) }
            let wait = DispatchSemaphore(value: 0)
            state.waiting.append(wait)
            return (true, wait)
        }
        guard let wait else { return mayEnter }
        wait.wait()
        let isLent = state.withLock { $0.phase == .lent }
        if !isLent { leave() }
        return isLent
    }

    func leave() { endIfDue { $0.calls -= 1 } }

    /// The call that lent them answered OK.
    func keep() { settle(.lent) }

    /// The call that lent them failed: they are as if never lent.
    func abandon() { settle(.over) }

    private func settle(_ phase: State.Phase) {
        let waiting = state.withLock { state in
            state.phase = phase
            defer { state.waiting = [] }
            return state.waiting
        }
        for thread in waiting { thread.signal() }
        endIfDue { _ in }
    }

    /// Makes the last call, now or as soon as it may be made.
    func end() { endIfDue { $0.endIsDue = true } }

    private func endIfDue(_ change: (inout State) -> Void) {
        let isNow = state.withLock { state in
            change(&state)
            guard state.endIsDue, state.calls == 0, state.phase == .lent else { return false }
            state.phase = .over
            return true
        }
        guard isNow, case .until(let slot) = callbacks.life, let function = function(slot) else { return }
        typealias Ended = @convention(c) (UnsafeMutableRawPointer?) -> Void
        unsafeBitCast(function, to: Ended.self)(context)
    }
}
