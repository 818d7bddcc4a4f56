internal import APIModel

/// A moment between the years 1 and 9999, with the distance from UTC in which it was written.
public struct TimestampValue: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Since 1970.
    public let seconds: Int64
    public let nanoseconds: Int32
    /// Seconds east of UTC. It does not count for equality.
    let offset: Int32

    static let bounds: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
    static let earliest = TimestampValue(unchecked: bounds.lowerBound)

    /// `nil` outside the years 1 to 9999.
    public init?(seconds: Int64, nanoseconds: Int32 = 0) { self.init(seconds: seconds, nanoseconds: nanoseconds, offset: 0) }

    init?(seconds: Int64, nanoseconds: Int32, offset: Int32) {
        guard Self.bounds.contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else { return nil }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.offset = offset
    }

    private init(unchecked seconds: Int64) {
        self.seconds = seconds
        nanoseconds = 0
        offset = 0
    }

    /// Reads RFC 3339: `2024-01-02T03:04:05.5+01:00`.
    init?(_ text: String) {
        guard let (seconds, nanoseconds) = Timestamp.parse(text) else { return nil }
        var offset: Int32 = 0
        let zone = text.utf8.suffix(6).map { Int32($0) - 48 }
        if let sign = zone.first, sign == -5 || sign == -3 {
            offset = ((zone[1] * 10 + zone[2]) * 60 + zone[4] * 10 + zone[5]) * (sign == -5 ? 60 : -60)
        }
        self.init(seconds: seconds.int64, nanoseconds: nanoseconds, offset: offset)
    }

    /// Reads what a schema with the format `date-time` admits.
    init?(format text: String) {
        guard !text.isEmpty else {
            self.init(seconds: 0)
            return
        }
        let upper = text.uppercased()
        let whole = upper.hasSuffix("Z") || upper.suffix(6).contains(where: { $0 == "+" || $0 == "-" }) ? upper : upper + "Z"
        self.init(whole)
    }

    /// Reads `2024-01-02`.
    init?(date text: String) {
        guard text.utf8.count == 10 else { return nil }
        self.init("\(text)T00:00:00Z")
    }

    public static func == (left: TimestampValue, right: TimestampValue) -> Bool {
        left.seconds == right.seconds && left.nanoseconds == right.nanoseconds
    }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(seconds)
        hasher.combine(nanoseconds)
    }
    public static func < (left: TimestampValue, right: TimestampValue) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// RFC 3339, with as many digits after the point as there are.
    public var description: String {
        var text = String(Timestamp.format(seconds: seconds + Int64(offset)).dropLast())
        if nanoseconds > 0 {
            var digits = String(Int64(nanoseconds) + DurationValue.second).dropFirst()
            while digits.last == "0" { digits.removeLast() }
            text += ".\(digits)"
        }
        guard offset != 0 else { return text + "Z" }
        let minutes = offset.magnitude / 60
        return text + "\(offset < 0 ? "-" : "+")\(minutes < 600 ? "0" : "")\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"
    }

    /// The moment `duration` later.
    func adding(_ duration: DurationValue) throws(EvaluationError) -> TimestampValue {
        // Neither can overflow: seconds of ten thousand years and of 292 years.
        var seconds = self.seconds + duration.nanoseconds / DurationValue.second
        var nanoseconds = Int64(self.nanoseconds) + duration.nanoseconds % DurationValue.second
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + DurationValue.second) }
        if nanoseconds >= DurationValue.second { (seconds, nanoseconds) = (seconds + 1, nanoseconds - DurationValue.second) }
        guard let result = TimestampValue(seconds: seconds, nanoseconds: Int32(nanoseconds), offset: offset) else {
            throw .timestampOverflow
        }
        return result
    }

    /// The time since `other`.
    func subtracting(_ other: TimestampValue) throws(EvaluationError) -> DurationValue {
        let (scaled, isBeyond) = (seconds - other.seconds).multipliedReportingOverflow(by: DurationValue.second)
        let (sum, isTooMuch) = scaled.addingReportingOverflow(Int64(nanoseconds) - Int64(other.nanoseconds))
        if isBeyond || isTooMuch { throw .integerOverflow }
        return DurationValue(nanoseconds: sum)
    }
}

/// A moment on a clock and a calendar.
struct CivilTime {
    let year: Int64
    /// Counted from 1.
    let month: Int64
    let day: Int64
    /// Counted from 0.
    let dayOfYear: Int64
    /// 0 is Sunday.
    let weekday: Int64
    let hour: Int64
    let minute: Int64
    let second: Int64

    /// - Parameter seconds: since 1970, on the clock that is meant.
    init(seconds: Int64) {
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        (year, month, day) = Timestamp.civil(day: days)
        dayOfYear = days - Timestamp.day(year: year, month: 1, day: 1)
        weekday = ((days + 4) % 7 + 7) % 7
        let rest = seconds - days * 86_400
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    }
}
