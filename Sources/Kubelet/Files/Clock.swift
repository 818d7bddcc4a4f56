import APIModel
import Glibc

/// The time of day.
enum Clock {
    static func nanoseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    static func seconds() -> Int64 { nanoseconds() / 1_000_000_000 }

    /// RFC 3339 with seconds, as the API writes times. 0 is no time.
    static func text(_ nanoseconds: Int64) -> Value {
        nanoseconds == 0 ? .null : .string(Timestamp.format(seconds: nanoseconds / 1_000_000_000))
    }
}
