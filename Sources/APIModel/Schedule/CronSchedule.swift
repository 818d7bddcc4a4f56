/// The five fields of a cron line, or one of the named schedules, as upstream's cron library reads them.
public struct CronSchedule: Hashable, Sendable {
    /// What is wrong with a schedule.
    public struct Problem: Error, Hashable, CustomStringConvertible {
        public var description: String
        init(_ description: String) { self.description = description }
    }

    /// The numbers that a field allows.
    private struct Field: Hashable {
        var allowed: UInt64 = 0
        /// It says `*`: any day of the month, or of the week.
        var isOpen = false

        func contains(_ number: Int64) -> Bool { number >= 0 && number < 64 && allowed & (1 << UInt64(number)) != 0 }
    }

    private var minutes = Field()
    private var hours = Field()
    private var days = Field()
    private var months = Field()
    private var weekdays = Field()
    /// Of `@every`, in seconds: then the fields say nothing.
    private var interval: Whole?

    private static let named = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    /// The library looks no further for a time that fits.
    private static let yearsAhead: Int64 = 5

    public init(_ text: String) throws(Problem) {
        var text = text
        if text.hasPrefix("@") {
            if text.hasPrefix("@every ") {
                do { interval = max(1, Whole(try GoDuration.nanoseconds(String(text.dropFirst(7))) / 1_000_000_000)) } catch {
                    throw Problem("failed to parse duration \(text): \(error)")
                }
                return
            }
            guard let line = Self.named[text] else { throw Problem("unrecognized descriptor: \(text)") }
            text = line
        }
        guard !text.isEmpty else { throw Problem("empty spec string") }
        let fields = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count == 5 else {
            throw Problem("expected exactly 5 fields, found \(fields.count): [\(fields.joined(separator: " "))]")
        }
        minutes = try Self.field(fields[0], 0...59)
        hours = try Self.field(fields[1], 0...23)
        days = try Self.field(fields[2], 1...31)
        months = try Self.field(
            fields[3], 1...12, ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
        weekdays = try Self.field(fields[4], 0...6, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
    }

    private static func field(_ text: String, _ bounds: ClosedRange<Int>, _ names: [String] = []) throws(Problem) -> Field {
        var field = Field()
        for part in text.split(separator: ",") { try add(String(part), bounds, names, to: &field) }
        return field
    }

    /// Adds `*`, `5`, `1-5`, `*/10`, `1-30/2` or, with names, `mon-fri`.
    private static func add(_ part: String, _ bounds: ClosedRange<Int>, _ names: [String], to field: inout Field) throws(Problem) {
        let stepped = part.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let ends = stepped[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        var (low, high, isOpen) = (bounds.lowerBound, bounds.upperBound, false)
        if ends[0] == "*" || ends[0] == "?" {
            isOpen = true
        } else {
            low = try number(ends[0], bounds, names)
            guard ends.count <= 2 else { throw Problem("too many hyphens: \(part)") }
            // A step behind a single number goes on to the end.
            if ends.count == 2 { high = try number(ends[1], bounds, names) } else if stepped.count == 1 { high = low }
        }
        guard stepped.count <= 2 else { throw Problem("too many slashes: \(part)") }
        let step = stepped.count == 2 ? try number(stepped[1]) : 1
        if step > 1 { isOpen = false }
        guard low >= bounds.lowerBound else {
            throw Problem("beginning of range (\(low)) below minimum (\(bounds.lowerBound)): \(part)")
        }
        guard high <= bounds.upperBound else { throw Problem("end of range (\(high)) above maximum (\(bounds.upperBound)): \(part)") }
        guard low <= high else { throw Problem("beginning of range (\(low)) beyond end of range (\(high)): \(part)") }
        guard step > 0 else { throw Problem("step of range should be a positive number: \(part)") }
        for number in stride(from: low, through: high, by: step) { field.allowed |= 1 << UInt64(number) }
        if isOpen { field.isOpen = true }
    }

    private static func number(_ text: String, _ bounds: ClosedRange<Int>, _ names: [String]) throws(Problem) -> Int {
        if let index = names.firstIndex(of: text.lowercased()) { return index + bounds.lowerBound }
        return try number(text)
    }

    private static func number(_ text: String) throws(Problem) -> Int {
        guard let number = Int(text) else {
            throw Problem("failed to parse int from \(text): strconv.Atoi: parsing \(FieldError.quoted(text)): invalid syntax")
        }
        guard number >= 0 else { throw Problem("negative number (\(number)) not allowed: \(text)") }
        return number
    }
}

extension CronSchedule {
    /// The first time after `time` that fits, `nil` when there is none in the next five years, as for a 31st of February.
    ///
    /// A time that the clocks skip is skipped; one that they show twice comes twice.
    /// - Parameter time: seconds since 1970, as the result is.
    public func next(after time: Whole, in zone: ZoneInfo) -> Whole? {
        if let interval { return time + interval }
        // Seconds are not scheduled: the next full minute is the first candidate.
        var candidate = (time + 60) - (((time + 60) % 60 + 60) % 60)
        let lastYear = zone.local(candidate).year + Self.yearsAhead
        while true {
            let local = zone.local(candidate)
            if local.year > lastYear { return nil }
            if !months.contains(local.month) {
                let next = local.month == 12 ? (local.year + 1, Int64(1)) : (local.year, local.month + 1)
                candidate = zone.instant(year: next.0, month: next.1, day: 1)
            } else if !isDay(local) {
                let (year, month, day) = Timestamp.civil(day: Timestamp.day(year: local.year, month: local.month, day: local.day) + 1)
                candidate = zone.instant(year: year, month: month, day: day)
            } else if !hours.contains(local.hour) {
                candidate = candidate + Whole(60 - local.minute) * 60
            } else if !minutes.contains(local.minute) {
                let wait = (local.minute..<60).first(where: minutes.contains) ?? 60
                candidate = candidate + Whole(wait - local.minute) * 60
            } else {
                return candidate
            }
        }
    }

    /// Both days have to fit where one says `*`, else one of them.
    private func isDay(_ local: ZoneInfo.Local) -> Bool {
        let (ofMonth, ofWeek) = (days.contains(local.day), weekdays.contains(local.weekday))
        return days.isOpen || weekdays.isOpen ? ofMonth && ofWeek : ofMonth || ofWeek
    }

    /// The last time after `start` and not after `end` that fits, `nil` when none does.
    public func last(after start: Whole, until end: Whole, in zone: ZoneInfo) -> Whole? {
        if let interval { return start + interval > end ? nil : start + (end - start) / interval * interval }
        guard let first = next(after: start, in: zone), first <= end else { return nil }
        // What follows a moment grows with it: the first moment that is followed by nothing up to `end` is the last time itself.
        var (low, high) = (first, end)
        while low < high {
            let middle = low + (high - low) / 2
            if let next = next(after: middle, in: zone), next <= end { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
