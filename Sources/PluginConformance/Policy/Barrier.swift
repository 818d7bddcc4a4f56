internal import Dispatch
internal import Synchronization

/// Lets threads wait until so many have arrived.
final class Barrier: Sendable {
    private let arrived = Mutex((count: 0, waiters: [(for: Int, wake: DispatchSemaphore)]()))

    func arrive() {
        let ready = arrived.withLock { state in
            state.count += 1
            let count = state.count
            defer { state.waiters.removeAll { $0.for <= count } }
            return state.waiters.filter { $0.for <= count }
        }
        for waiter in ready { waiter.wake.signal() }
    }

    /// Blocks until `count` arrivals in all.
    func wait(for count: Int) {
        let wake = DispatchSemaphore(value: 0)
        let waits = arrived.withLock { state in
            guard state.count < count else { return false }
            state.waiters.append((count, wake))
            return true
        }
        if waits { wake.wait() }
    }
}
