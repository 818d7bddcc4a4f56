import APIModel

/// Times of log lines, to the nanosecond.
enum LogTime {
    /// As many seconds, either way, as can be said in nanoseconds: 292 years.
    static let most: Int64 = 9_223_372_035

    /// Nanoseconds since 1970. Of a time too far from then, the nearest that can be said.
    static func parse(_ text: String) -> Int64? {
        Timestamp.parse(text).map { min(max($0.seconds, -most), most) * 1_000_000_000 + Int64($0.nanos) }
    }
}
