internal import Dispatch
internal import Synchronization

/// Counts the leases on a component, so that its instance is stopped and destroyed only when none is left. Entering and leaving are one
/// atomic addition each.
final class Gate: Sendable {
    /// Bit 0 is set while the gate is open; the rest counts the leases, each worth 2.
    private let word = Atomic<UInt64>(0)
    private let waiter = Mutex<DispatchSemaphore?>(nil)

    private static let isOpen: UInt64 = 1
    private static let lease: UInt64 = 2

    func open() { word.bitwiseOr(Self.isOpen, ordering: .releasing) }

    /// Takes a lease; `leave` must follow. `false` once the gate is closed.
    func enter() -> Bool {
        if word.wrappingAdd(Self.lease, ordering: .acquiring).oldValue & Self.isOpen != 0 { return true }
        leave()
        return false
    }

    func leave() {
        // Nothing is left and the gate is closed: somebody may be waiting for that.
        guard word.wrappingSubtract(Self.lease, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        waiter.withLock { $0 }?.signal()
    }

    /// No lease is given from now on. Those that were given go on.
    func close() { word.bitwiseAnd(~Self.isOpen, ordering: .acquiringAndReleasing) }

    /// Waits until the last lease was given back. Blocks; one caller at a time, after `close`. Returns whether it was, in time.
    func drain(seconds: Int) -> Bool {
        let done = DispatchSemaphore(value: 0)
        waiter.withLock { $0 = done }
        defer { waiter.withLock { $0 = nil } }
        let deadline = DispatchTime.now() + .seconds(seconds)
        // A caller that was turned away counts for a moment, too: look again after each signal.
        while word.load(ordering: .acquiring) & ~Self.isOpen != 0 {
            if done.wait(timeout: deadline) == .timedOut { return word.load(ordering: .acquiring) & ~Self.isOpen == 0 }
        }
        return true
    }
}
