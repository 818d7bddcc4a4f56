internal import Glibc
internal import Synchronization

/// Does things at their time, on one thread of its own: thousands of hollow containers need no thread each.
final class Alarms: Sendable {
    private struct Alarm {
        let time: ContinuousClock.Instant
        let action: @Sendable () -> Void
    }

    private struct State {
        /// By time, the next last.
        var alarms: [Alarm] = []
        var isStopped = false
        var thread: pthread_t?
    }

    private let state = Mutex(State())
    private let changed = Condition()

    /// Does it after `delay`, unless stopped before.
    func after(_ delay: Duration, _ action: @escaping @Sendable () -> Void) {
        let alarm = Alarm(time: .now + delay, action: action)
        state.withLock { state in
            let index = state.alarms.partitioningIndex { $0.time <= alarm.time }
            state.alarms.insert(alarm, at: index)
        }
        changed.signal()
    }

    func start() {
        let me = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { pointer in
                Unmanaged<Alarms>.fromOpaque(pointer!).takeRetainedValue().run()
                return nil
            }, me.toOpaque())
        precondition(status == 0, "the system gives no thread")
        state.withLock { $0.thread = thread }
    }

    /// Nothing is done any more when it returns. A second call does nothing.
    func stop() {
        let thread = state.withLock { state in
            state.isStopped = true
            state.alarms = []
            return state.thread.take()
        }
        changed.signal()
        if let thread { pthread_join(thread, nil) }
    }

    private func run() {
        while true {
            let (due, next, isStopped) = state.withLock { state -> (Alarm?, Duration?, Bool) in
                guard let last = state.alarms.last else { return (nil, nil, state.isStopped) }
                let left = ContinuousClock.now.duration(to: last.time)
                return left <= .zero ? (state.alarms.removeLast(), nil, state.isStopped) : (nil, left, state.isStopped)
            }
            if isStopped { return }
            if let due { due.action() } else { changed.wait(next) }
        }
    }
}

extension Array {
    /// The first index whose element satisfies the condition, which holds for everything behind it.
    fileprivate func partitioningIndex(_ isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
