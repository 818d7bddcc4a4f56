/// The parts of times and durations.
enum StandardTimes {
    static let functions: [Function] = [
        part("getFullYear", "timestamp_to_year") { time, _ in time.year },
        part("getMonth", "timestamp_to_month") { time, _ in time.month - 1 },
        part("getDayOfYear", "timestamp_to_day_of_year") { time, _ in time.dayOfYear },
        part("getDayOfMonth", "timestamp_to_day_of_month") { time, _ in time.day - 1 },
        part("getDate", "timestamp_to_day_of_month_1_based") { time, _ in time.day },
        part("getDayOfWeek", "timestamp_to_day_of_week") { time, _ in time.weekday },
        part("getHours", "timestamp_to_hours", duration: ("duration_to_hours", 3600 * DurationValue.second)) { time, _ in time.hour },
        part("getMinutes", "timestamp_to_minutes", duration: ("duration_to_minutes", 60 * DurationValue.second)) { time, _ in time.minute },
        part("getSeconds", "timestamp_to_seconds", duration: ("duration_to_seconds", DurationValue.second)) { time, _ in time.second },
        part("getMilliseconds", "timestamp_to_milliseconds", duration: ("duration_to_milliseconds", 1_000_000)) { _, timestamp in
            Int64(timestamp.nanoseconds / 1_000_000)
        },
    ]

    /// A part of a time, in UTC or in a zone, and perhaps the whole units in a duration.
    private static func part(
        _ name: String, _ id: String, duration: (id: String, unit: Int64)? = nil,
        _ part: @escaping @Sendable (CivilTime, TimestampValue) -> Int64
    ) -> Function {
        var overloads: [Overload] = [
            .method(id, [.timestamp], .int) { a, _ throws(EvaluationError) in
                let time = try a.timestamp(0)
                return .int(part(CivilTime(seconds: time.seconds), time))
            },
            .method("\(id)_with_tz", [.timestamp, .string], .int) { a, _ throws(EvaluationError) in
                let time = try a.timestamp(0)
                let offset = try TimeZone.named(try a.string(1)).offset(at: time.seconds)
                return .int(part(CivilTime(seconds: time.seconds + offset), time))
            },
        ]
        if let (id, unit) = duration {
            overloads.append(
                .method(id, [.duration], .int) { a, _ throws(EvaluationError) in .int(try a.duration(0).nanoseconds / unit) })
        }
        return Function(name, overloads)
    }
}
