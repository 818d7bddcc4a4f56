/// What a zone does every year from its last transition on: the POSIX form at the end of a zone file, `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule: Hashable, Sendable {
    /// The day of a change and the second of that day, by the clocks before it.
    private enum Change: Hashable {
        /// Weekday (0 is Sunday) of a week (5 is the last) of a month.
        case weekday(month: Int64, week: Int64, day: Int64, second: Int64)
        /// Counted from 1 without, or from 0 with, the 29th of February.
        case day(Int64, countsLeapDay: Bool, second: Int64)
    }

    private struct Summer: Hashable {
        var offset: Whole
        var start: Change
        var end: Change
    }

    private var standard: Whole
    private var summer: Summer?

    /// `nil` for what is no rule.
    init?(_ text: String) {
        var reader = Reader(rest: text[...])
        guard reader.name(), let west = reader.time() else { return nil }
        standard = Whole(-west)
        guard !reader.rest.isEmpty else { return }
        guard reader.name() else { return nil }
        var offset = standard + 3600
        if reader.rest.first != ",", let west = reader.time() { offset = Whole(-west) }
        guard reader.skip(","), let start = reader.change(), reader.skip(","), let end = reader.change() else { return nil }
        summer = Summer(offset: offset, start: start, end: end)
    }

    /// Seconds east of Greenwich.
    func offset(at time: Whole) -> Whole {
        guard let summer else { return standard }
        let year = Timestamp.civil(day: ((time + standard) / 86400).int64).year
        let start = Self.instant(summer.start, year) - standard
        let end = Self.instant(summer.end, year) - summer.offset
        let isSummer = start < end ? time >= start && time < end : time >= start || time < end
        return isSummer ? summer.offset : standard
    }

    /// In seconds, by the clocks before it.
    private static func instant(_ change: Change, _ year: Int64) -> Whole {
        switch change {
        case .weekday(let month, let week, let weekday, let second):
            let first = Timestamp.day(year: year, month: month, day: 1)
            let next = month == 12 ? Timestamp.day(year: year + 1, month: 1, day: 1) : Timestamp.day(year: year, month: month + 1, day: 1)
            var day = first + ((weekday - (first + 4) % 7) % 7 + 7) % 7 + (week - 1) * 7
            if day >= next { day -= 7 }
            return Whole(day) * 86400 + Whole(second)
        case .day(let number, let countsLeapDay, let second):
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let index = countsLeapDay ? number : number - 1 + (isLeap && number >= 60 ? 1 : 0)
            return Whole(Timestamp.day(year: year, month: 1, day: 1) + index) * 86400 + Whole(second)
        }
    }

    private struct Reader {
        var rest: Substring

        mutating func skip(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }

        /// `CET`, or `<+0330>`.
        mutating func name() -> Bool {
            if skip("<") {
                guard let end = rest.firstIndex(of: ">") else { return false }
                rest = rest[rest.index(after: end)...]
                return true
            }
            let letters = rest.prefix { $0.isLetter }
            rest.removeFirst(letters.count)
            return letters.count >= 3
        }

        mutating func number() -> Int64? {
            let digits = rest.prefix { $0.isNumber }
            guard digits.count <= 3, let number = Int64(digits) else { return nil }
            rest.removeFirst(digits.count)
            return number
        }

        /// `-3:30`, in seconds.
        mutating func time() -> Int64? {
            let isNegative = skip("-")
            if !isNegative { _ = skip("+") }
            guard var seconds = number().map({ $0 * 3600 }) else { return nil }
            if skip(":") {
                guard let minutes = number() else { return nil }
                seconds += minutes * 60
            }
            if skip(":") {
                guard let more = number() else { return nil }
                seconds += more
            }
            return isNegative ? -seconds : seconds
        }

        mutating func change() -> Change? {
            if skip("M") {
                guard let month = number(), (1...12).contains(month), skip("."), let week = number(), (1...5).contains(week), skip("."),
                    let day = number(), day < 7, let second = clock()
                else { return nil }
                return .weekday(month: month, week: week, day: day, second: second)
            }
            let countsLeapDay = !skip("J")
            guard let day = number(), day <= 365, let second = clock() else { return nil }
            return .day(day, countsLeapDay: countsLeapDay, second: second)
        }

        /// Two in the morning where nothing is said.
        private mutating func clock() -> Int64? { skip("/") ? time() : 7200 }
    }
}
