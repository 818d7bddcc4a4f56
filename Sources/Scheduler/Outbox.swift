internal import Synchronization

/// Work for the API that the scheduling thread does not wait for: a bounded number of tasks does it, oldest first.
final class Outbox: Sendable {
    typealias Job = @Sendable () async -> Void

    private struct State {
        var jobs: [Job] = []
        var next = 0
        var idle: [CheckedContinuation<Job?, Never>] = []
        var isClosed = false
    }
    private let state = Mutex(State())

    func put(_ job: @escaping Job) {
        let worker = state.withLock { state -> CheckedContinuation<Job?, Never>? in
            if let worker = state.idle.popLast() { return worker }
            if !state.isClosed { state.jobs.append(job) }
            return nil
        }
        worker?.resume(returning: job)
    }

    /// Works until `close`.
    func run(workers: Int) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<workers { group.addTask { while let job = await self.next() { await job() } } }
        }
    }

    /// Ends `run` after the jobs at hand; jobs not begun are dropped.
    func close() {
        let idle = state.withLock { state in
            state.isClosed = true
            state.jobs = []
            state.next = 0
            defer { state.idle = [] }
            return state.idle
        }
        for worker in idle { worker.resume(returning: nil) }
    }

    private func next() async -> Job? {
        await withCheckedContinuation { continuation in
            let job = state.withLock { state -> Job?? in
                if state.isClosed { return .some(nil) }
                guard state.next < state.jobs.count else {
                    state.idle.append(continuation)
                    return nil
                }
                defer {
                    state.next += 1
                    if state.next == state.jobs.count || state.next > 256 {
                        state.jobs.removeFirst(state.next)
                        state.next = 0
                    }
                }
                return state.jobs[state.next]
            }
            if let job { continuation.resume(returning: job) }
        }
    }
}
