import APIModel
import Glibc

/// The time of day.
enum Clock {
    static func nanoseconds() -> Whole {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Whole(now.tv_sec) * 1_000_000_000 + Whole(now.tv_nsec)
    }

    static func seconds() -> Whole { nanoseconds() / 1_000_000_000 }

    /// RFC 3339 with seconds, as the API writes times. 0 is no time.
    static func text(_ nanoseconds: Whole) -> Value {
        nanoseconds == 0 ? .null : .string(Timestamp.format(seconds: nanoseconds / 1_000_000_000))
    }
}
