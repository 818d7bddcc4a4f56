internal import Glibc

extension Value {
    /// The time that it says, in seconds since 1970; `nil` where it says none.
    public var time: Whole? { string.flatMap { Timestamp.parse($0)?.seconds } }
}

/// RFC 3339 times as the API writes them: in UTC, with seconds (`2026-01-02T03:04:05Z`) or microseconds.
public enum Timestamp {
    /// `metav1.Time`: whole seconds.
    public static func now() -> String { format(seconds: clock().tv_sec) }

    /// The time of day in seconds since 1970.
    public static func nowSeconds() -> Whole { Whole(clock().tv_sec) }

    /// `metav1.MicroTime`: six digits after the point, always.
    public static func nowMicro() -> String {
        let now = clock()
        return format(seconds: Int64(now.tv_sec), microseconds: Int32(now.tv_nsec / 1000))
    }

    private static func clock() -> timespec {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now
    }

    /// Seconds since 1970. Years outside 1 to 9999, which RFC 3339 cannot write, come out as the nearest it can.
    public static func format(seconds: some BinaryInteger) -> String {
        String(decoding: text(Int64(clamping: seconds)) + [UInt8(ascii: "Z")], as: UTF8.self)
    }

    public static func format(seconds: Whole) -> String { format(seconds: seconds.int64) }

    public static func format(seconds: Int64, microseconds: Int32) -> String {
        var bytes = text(seconds)
        bytes.append(UInt8(ascii: "."))
        appendDigits(Int64(microseconds), 6, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let earliest: Int64 = -62_135_596_800  // 0001-01-01T00:00:00Z
    private static let latest: Int64 = 253_402_300_799  // 9999-12-31T23:59:59Z

    private static func text(_ seconds: Int64) -> [UInt8] {
        let seconds = min(max(seconds, earliest), latest)
        let second = seconds - floored(seconds, 86400) * 86400
        let (year, month, day) = civil(day: floored(seconds, 86400))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(28)
        for (number, digits, separator) in [
            (year, 4, "-"), (month, 2, "-"), (day, 2, "T"), (second / 3600, 2, ":"), (second / 60 % 60, 2, ":"), (second % 60, 2, ""),
        ] as [(Int64, Int, String)] {
            appendDigits(number, digits, to: &bytes)
            bytes += separator.utf8
        }
        return bytes
    }

    private static func appendDigits(_ number: Int64, _ count: Int, to bytes: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<count { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }

    /// Reads any RFC 3339 time, with any offset and up to nine digits after the point; `nil` for anything else. A leap second reads as the
    /// second before it.
    public static func parse(_ text: String) -> (seconds: Whole, nanos: Int32)? {
        var reader = Reader(bytes: Array(text.utf8))
        return reader.time().map { (Whole($0.seconds), $0.nanos) }
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func time() -> (seconds: Int64, nanos: Int32)? {
            guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2), skip("T") || skip("t"),
                let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2)
            else { return nil }
            guard (1...12).contains(month), day >= 1, day <= daysIn(month: month, year: year), hour < 24, minute < 60, second <= 60 else {
                return nil
            }
            var nanos: Int64 = 0
            if skip(".") || skip(",") {
                guard let fraction = fraction() else { return nil }
                nanos = fraction
            }
            guard let offset = offset(), index == bytes.count else { return nil }
            let seconds = Timestamp.day(year: year, month: month, day: day) * 86400 + hour * 3600 + minute * 60 + min(second, 59) - offset
            return (seconds, Int32(nanos))
        }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
            index += 1
            return true
        }

        mutating func digit() -> Int64? {
            guard index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else { return nil }
            defer { index += 1 }
            return Int64(bytes[index] - UInt8(ascii: "0"))
        }

        mutating func number(_ count: Int) -> Int64? {
            var number: Int64 = 0
            for _ in 0..<count {
                guard let digit = digit() else { return nil }
                number = number * 10 + digit
            }
            return number
        }

        mutating func fraction() -> Int64? {
            var nanos: Int64 = 0
            var scale: Int64 = 100_000_000
            guard let first = digit() else { return nil }
            nanos = first * scale
            while let digit = digit() {
                scale /= 10
                nanos += digit * scale
            }
            return nanos
        }

        mutating func offset() -> Int64? {
            if skip("Z") || skip("z") { return 0 }
            let isEast = skip("+")
            guard isEast || skip("-"), let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60 else {
                return nil
            }
            return (hours * 3600 + minutes * 60) * (isEast ? 1 : -1)
        }

        func daysIn(month: Int64, year: Int64) -> Int64 {
            if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
            return [4, 6, 9, 11].contains(month) ? 30 : 31
        }
    }

    // Days and dates of the proleptic Gregorian calendar, counted in years that begin in March, so that the leap day is the last one.

    private static func floored(_ number: Int64, _ divisor: Int64) -> Int64 { (number >= 0 ? number : number - divisor + 1) / divisor }

    /// The number of a day, counted from 1970.
    public static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = floored(year, 400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    public static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = floored(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }
}
