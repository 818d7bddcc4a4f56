import Glibc
import HeapModule
import Synchronization

/// Calls back at given times, from one thread of its own that all users share. For timers too many or too short-lived for a task each.
final class Alarm: @unchecked Sendable {
    // `bell`, a POSIX semaphore at a fixed address, is made to be used from several threads; the rest is behind the mutex.
    static let shared = Alarm()

    private struct Entry: Comparable {
        var time: ContinuousClock.Instant
        var action: @Sendable () -> Void
        static func < (left: Entry, right: Entry) -> Bool { left.time < right.time }
        static func == (left: Entry, right: Entry) -> Bool { left.time == right.time }
    }

    private let entries = Mutex(Heap<Entry>())
    private let bell: UnsafeMutablePointer<sem_t>

    private init() {
        bell = .allocate(capacity: 1)
        sem_init(bell, 0, 0)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Alarm>.fromOpaque(context).takeUnretainedValue().run()
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "cannot start the timer thread: \(String(cString: strerror(code)))")
        pthread_detach(thread)
    }

    /// Calls `action` once at `time`, or soon after. It must not block.
    func set(_ time: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) {
        let isFirst = entries.withLock { entries in
            entries.insert(Entry(time: time, action: action))
            return entries.min?.time == time
        }
        if isFirst { sem_post(bell) }
    }

    private func run() -> Never {
        while true {
            let (due, next) = entries.withLock { entries in
                var due: [Entry] = []
                let now = ContinuousClock.now
                while let first = entries.min, first.time <= now { due.append(entries.removeMin()) }
                return (due, entries.min?.time)
            }
            for entry in due { entry.action() }
            if let next { wait(ContinuousClock.now.duration(to: next)) } else { sem_wait(bell) }
        }
    }

    private func wait(_ duration: Duration) {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        // An hour at most: the wall clock may jump.
        let (seconds, attoseconds) = max(.zero, min(duration, .seconds(3_600))).components
        deadline.tv_nsec += Int(attoseconds / 1_000_000_000) + 1
        deadline.tv_sec += Int(seconds) + deadline.tv_nsec / 1_000_000_000
        deadline.tv_nsec %= 1_000_000_000
        sem_timedwait(bell, &deadline)
    }
}
