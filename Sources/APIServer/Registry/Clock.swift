import APIModel
import Glibc

/// The time of day.
enum Clock {
    static var seconds: Whole { Timestamp.nowSeconds() }

    /// Since 1970, to the microsecond.
    static var parts: (seconds: Int64, microseconds: Int32) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return (Int64(now.tv_sec), Int32(now.tv_nsec / 1000))
    }
}
