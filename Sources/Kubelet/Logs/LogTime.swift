import APIModel

/// Times of log lines, to the nanosecond.
enum LogTime {
    /// Nanoseconds since 1970. Of a time too far from then, the nearest that can be said.
    static func parse(_ text: String) -> Whole? {
        Timestamp.parse(text).map { $0.seconds * 1_000_000_000 + Whole($0.nanos) }
    }
}
