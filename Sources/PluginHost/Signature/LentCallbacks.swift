internal import Synchronization

/// Callbacks that this side lent to the far side beyond one call.
///
/// The last call of an `.until` structure is made exactly once if the call that lent it answered OK, and not at all otherwise; never before that answer has arrived, and
/// never beside another call.
final class LentCallbacks: @unchecked Sendable {
    // Sendable because the structure is constant, and the lender keeps it as its life says.
    let callbacks: Callbacks
    private let structure: UnsafeRawPointer

    private struct State {
        enum Phase { case lending, lent, over }
        var phase = Phase.lending
        var calls = 0
        var endIsDue = false
    }
    private let state = Mutex(State())

    init(_ callbacks: Callbacks, _ structure: UnsafeRawPointer) {
        self.callbacks = callbacks
        self.structure = structure
    }

    var context: UnsafeMutableRawPointer? { structure.load(as: UnsafeMutableRawPointer?.self) }
    func function(_ slot: Int) -> UnsafeRawPointer? { structure.load(fromByteOffset: 8 + 8 * slot, as: UnsafeRawPointer?.self) }

    /// Whether a call may begin; `leave` must follow.
    func enter() -> Bool {
        state.withLock { state in
            guard state.phase != .over, !state.endIsDue else { return false }
            state.calls += 1
            return true
        }
    }

    func leave() { endIfDue { $0.calls -= 1 } }

    /// The call that lent them answered OK.
    func keep() { endIfDue { if $0.phase == .lending { $0.phase = .lent } } }

    /// The call that lent them failed: they are as if never lent.
    func abandon() { state.withLock { $0.phase = .over } }

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
