import Glibc

enum MonotonicClock {
    /// Seconds since some moment, to within a few milliseconds; never goes back.
    static var seconds: Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        return now.tv_sec
    }
}
