import APIModel

/// Times of log lines, to the nanosecond.
enum LogTime {
    static func parse(_ text: String) -> Int64? { Timestamp.parse(text).map { $0.seconds * 1_000_000_000 + Int64($0.nanos) } }
}
