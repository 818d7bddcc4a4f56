internal import APIModel
internal import Dispatch

/// Wakes the one thread that waits. A signal that comes first is not lost.
final class Condition: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func signal() { semaphore.signal() }

    /// Returns at the next signal, or when the time has passed; nil waits for the signal alone.
    func wait(_ duration: Duration?) {
        guard let duration else { return semaphore.wait() }
        _ = semaphore.wait(timeout: .now() + .nanoseconds(Int(duration.nanoseconds)))
    }
}
