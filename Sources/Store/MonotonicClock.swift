import Glibc

enum MonotonicClock {
    /// Since some moment, to within a few milliseconds; never goes back.
    static var now: Duration {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
    }
}
