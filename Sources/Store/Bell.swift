import Glibc

/// Wakes one thread that waits. Rings before the wait are not lost.
final class Bell: @unchecked Sendable {
    // A POSIX semaphore is made to be used from several threads; it only has to stay at its address.
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func ring() { sem_post(semaphore) }

    /// Returns after a ring, or when `patience` is over, or for no reason.
    func wait(_ patience: Duration) {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        let (seconds, attoseconds) = patience.components
        deadline.tv_nsec += Int(attoseconds / 1_000_000_000)
        deadline.tv_sec += Int(seconds) + deadline.tv_nsec / 1_000_000_000
        deadline.tv_nsec %= 1_000_000_000
        sem_timedwait(semaphore, &deadline)
    }
}
