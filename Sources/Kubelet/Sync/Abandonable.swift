import Synchronization

/// Waits for work that does not end when its task is cancelled, for as long as somebody wants its result: throws `CancellationError` when
/// the caller was cancelled and `patience` is over, and `late` when `limit` is over.
///
/// Work that is given up is told so, by the cancellation of its own task, and goes on to its own end, whatever that takes; it must be
/// harmless when it does. Nobody hears of its result.
func abandonable<R: Sendable>(
    within limit: Duration? = nil, patience: Duration = .zero, late: any Error = CancellationError(),
    _ work: @escaping @Sendable () async throws -> R
) async throws -> R {
    let race = Race<R>()
    // Its owner is whoever ends what it waits for: that is the point.
    let task = Task {
        do { race.finish(.success(try await work())) } catch { race.finish(.failure(error)) }
    }
    let alarm = limit.map { limit in
        Task {
            try await Task.sleep(for: limit)
            if race.finish(.failure(late)) { task.cancel() }
        }
    }
    defer { alarm?.cancel() }
    return try await withTaskCancellationHandler {
        try await race.value()
    } onCancel: {
        let leave: @Sendable () -> Void = { if race.finish(.failure(CancellationError())) { task.cancel() } }
        guard patience > .zero else { return leave() }
        Task {
            try? await Task.sleep(for: patience)
            leave()
        }
    }
}

/// What came first.
private final class Race<R: Sendable>: Sendable {
    private struct State {
        var result: Result<R, any Error>?
        var waiter: CheckedContinuation<R, any Error>?
    }
    private let state = Mutex(State())

    /// Answers whether nothing had come before.
    @discardableResult
    func finish(_ result: Result<R, any Error>) -> Bool {
        let (isFirst, waiter) = state.withLock { state -> (Bool, CheckedContinuation<R, any Error>?) in
            guard state.result == nil else { return (false, nil) }
            state.result = result
            return (true, state.waiter.take())
        }
        waiter?.resume(with: result)
        return isFirst
    }

    func value() async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state in
                if state.result == nil { state.waiter = continuation }
                return state.result
            }
            if let result { continuation.resume(with: result) }
        }
    }
}
