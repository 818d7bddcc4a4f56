internal import Dispatch
internal import Synchronization

/// Blocks the calling thread, one of the host's, until the work is done. The thread owns the task, so the task never outlives the call.
/// Must not be called from a task: its thread would be missing from the pool that the work needs.
func waiting<Result: Sendable>(for work: @escaping @Sendable () async -> Result) -> Result {
    let outcome = Outcome<Result>()
    Task { outcome.set(await work()) }
    return outcome.wait()
}

/// Where a task leaves its result for the thread that waits.
private final class Outcome<Result: Sendable>: Sendable {
    private let result = Mutex<Result?>(nil)
    private let done = DispatchSemaphore(value: 0)

    func set(_ value: Result) {
        result.withLock { $0 = value }
        done.signal()
    }

    func wait() -> Result {
        done.wait()
        guard let value = result.withLock({ $0 }) else { preconditionFailure("the task signalled before it had a result") }
        return value
    }
}
