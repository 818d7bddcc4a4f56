import Synchronization

/// One at a time for each key, in the order they came. Safe from any task.
final class KeyedTurns: Sendable {
    private struct Waiter {
        var number: Int
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var next = 0
        /// Who waits, for each key that somebody has.
        var queues: [String: [Waiter]] = [:]
    }
    private let state = Mutex(State())

    /// Throws `CancellationError` when the task is cancelled while it waits.
    func run<R>(_ key: String, _ body: () async throws -> R) async throws -> R {
        try await take(key)
        defer { give(key) }
        return try await body()
    }

    private func take(_ key: String) async throws {
        let number = state.withLock { state in
            state.next &+= 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard state.queues[key] != nil else {
                        state.queues[key] = []
                        return .success(())
                    }
                    state.queues[key]?.append(Waiter(number: number, continuation: continuation))
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.queues[key]?.firstIndex(where: { $0.number == number }) else { return nil }
                return state.queues[key]?.remove(at: index)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func give(_ key: String) {
        let next = state.withLock { state -> Waiter? in
            if state.queues[key]?.isEmpty ?? true {
                state.queues[key] = nil
                return nil
            }
            return state.queues[key]?.removeFirst()
        }
        next?.continuation.resume()
    }
}
