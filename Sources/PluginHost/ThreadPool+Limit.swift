internal import Synchronization

extension ThreadPool {
    /// Runs `body` on one of the threads, and answers `late` where that takes longer than `limit`. Then nobody hears what `body` answers, and
    /// one that has not begun is not run.
    func run<R: Sendable>(within limit: Duration?, late: R, _ body: @escaping @Sendable () -> R) async -> R {
        let first = FirstAnswer<R>()
        // Ended below, whoever answers.
        let timer = limit.map { limit in
            Task {
                try await Task.sleep(for: limit)
                first.give(late)
            }
        }
        defer { timer?.cancel() }
        return await withCheckedContinuation { continuation in
            first.wait(continuation)
            submit { if !first.isGiven { first.give(body()) } }
        }
    }
}

/// Who answers first is heard, once.
private final class FirstAnswer<Answer: Sendable>: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Answer, Never>?
        var answer: Answer?
    }
    private let state = Mutex(State())

    var isGiven: Bool { state.withLock { $0.answer != nil } }

    func wait(_ continuation: CheckedContinuation<Answer, Never>) {
        let early = state.withLock { state in
            if state.answer == nil { state.continuation = continuation }
            return state.answer
        }
        if let early { continuation.resume(returning: early) }
    }

    func give(_ answer: Answer) {
        let continuation = state.withLock { state in
            guard state.answer == nil else { return nil as CheckedContinuation<Answer, Never>? }
            state.answer = answer
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(returning: answer)
    }
}
