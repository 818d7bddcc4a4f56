internal import Client
internal import Dispatch
internal import Synchronization

/// Threads for calls that may block, so that the cooperative pool never does. A thread is made when a call finds none idle, up to a limit,
/// and goes after a while without work; calls beyond the limit wait in order.
public final class ThreadPool: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var next = 0
        var idle = 0
        var threads = 0
    }
    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    private let limit: Int
    private let name: String

    public init(name: String, limit: Int) {
        self.name = name
        self.limit = limit
    }

    /// Runs `body` on one of the threads, which has the caller's key in hand meanwhile.
    public func run<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
        let key = InHand.current
        return await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: InHand.with(key) { body() }) }
        }
    }

    /// The same for one who does not wait.
    func submit(_ job: @escaping @Sendable () -> Void) {
        let grow = state.withLock { state in
            state.jobs.append(job)
            guard state.idle < state.jobs.count - state.next, state.threads < limit else { return false }
            state.threads += 1
            return true
        }
        if grow { startThread(name: name) { [self] in serve() } }
        work.signal()
    }

    private func serve() {
        while let job = next() { job() }
    }

    /// Waits for a job; `nil` after a while without any.
    private func next() -> (@Sendable () -> Void)? {
        state.withLock { $0.idle += 1 }
        while work.wait(timeout: .now() + .seconds(10)) == .timedOut {
            let leaves = state.withLock { state in
                // A job that is there counts on this thread; its signal follows.
                guard state.jobs.count == state.next else { return false }
                state.idle -= 1
                state.threads -= 1
                return true
            }
            if leaves { return nil }
        }
        return state.withLock { state in
            state.idle -= 1
            let job = state.jobs[state.next]
            state.next += 1
            if state.next == state.jobs.count || state.next > 64 {
                state.jobs.removeFirst(state.next)
                state.next = 0
            }
            return job
        }
    }
}
