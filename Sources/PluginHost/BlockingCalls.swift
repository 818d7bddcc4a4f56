internal import Dispatch
internal import Synchronization

/// Lets a plugin's thread wait for an asynchronous call. The thread blocks; the call runs on the cooperative pool. After `close`, calls
/// under way are cancelled and new ones refused.
final class BlockingCalls: Sendable {
    private struct State {
        var isClosed = false
        var next = 0
        var tasks: [Int: Task<Void, Never>] = [:]
    }
    private let state = Mutex(State())

    /// Must not be called from the cooperative pool.
    /// - Throws: what `body` throws, `CancellationError` after `close`.
    func wait<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) throws -> R {
        let answer = Answer<R>()
        let done = DispatchSemaphore(value: 0)
        let id = state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.next += 1
            // Owned by this call, which waits for its end below.
            state.tasks[state.next] = Task.detached {
                let result: Result<R, any Error>
                do { result = .success(try await body()) } catch { result = .failure(error) }
                answer.result.withLock { $0 = result }
                done.signal()
            }
            return state.next
        }
        guard let id else { throw CancellationError() }
        done.wait()
        _ = state.withLock { $0.tasks.removeValue(forKey: id) }
        return try answer.result.withLock { $0! }.get()
    }

    func close() {
        let tasks = state.withLock { state in
            state.isClosed = true
            return Array(state.tasks.values)
        }
        for task in tasks { task.cancel() }
    }
}

private final class Answer<R: Sendable>: Sendable {
    let result = Mutex<Result<R, any Error>?>(nil)
}
