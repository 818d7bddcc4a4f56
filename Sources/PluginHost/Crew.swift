internal import Synchronization

/// Threads that do what there is to do: one is called when there is something, up to a limit, and each goes on for as long as it finds more.
/// Between two pieces of work nobody is woken.
package final class Crew: Sendable {
    private struct State {
        var atWork = 0
        /// Whether there may be something that nobody has looked for.
        var isCalled = false
        var isDismissed = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let limit: Int
    private let threads: ThreadPool
    private let work: @Sendable () -> Bool

    /// - Parameters:
    ///   - limit: how many of `threads` work at once.
    ///   - work: does one piece; returns whether there was any. It may block.
    init(_ threads: ThreadPool, limit: Int, work: @escaping @Sendable () -> Bool) {
        self.threads = threads
        self.limit = limit
        self.work = work
    }

    /// There is something to do. Does not block, and nothing happens after `dismiss`.
    package func call() {
        let isWanting = state.withLock { state in
            state.isCalled = true
            guard state.atWork < limit, !state.isDismissed else { return false }
            state.atWork += 1
            return true
        }
        if isWanting { threads.submit { self.serve() } }
    }

    /// No further piece begins. Returns when the last one has ended.
    package func dismiss() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                state.isDismissed = true
                if state.atWork > 0 { state.waiting.append(continuation) }
                return state.atWork == 0
            }
            if isOver { continuation.resume() }
        }
    }

    private func serve() {
        while takeUp() { while !state.withLock({ $0.isDismissed }), work() {} }
    }

    /// Whether to look for something; if not, this thread has left.
    private func takeUp() -> Bool {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>]? in
            if state.isCalled, !state.isDismissed {
                state.isCalled = false
                return nil
            }
            state.atWork -= 1
            guard state.isDismissed, state.atWork == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting ?? [] { continuation.resume() }
        return waiting == nil
    }
}
