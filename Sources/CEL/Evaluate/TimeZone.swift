internal import APIModel
internal import Glibc
internal import Synchronization

/// A place's distance from UTC at any moment, as the machine's time zone database has it.
struct TimeZone: Sendable {
    /// The moments at which the distance changes, in order.
    private let transitions: [Int64]
    /// The distance from each of them on, in seconds east.
    private let offsets: [Int64]
    /// The distance before the first.
    private let first: Int64
    /// How it goes on after the last.
    private let rule: DaylightRule?

    static let utc = TimeZone(fixed: 0)

    private init(fixed offset: Int64) {
        (transitions, offsets, first, rule) = ([], [], offset, nil)
    }

    func offset(at seconds: Int64) -> Int64 {
        if let last = transitions.last, seconds < last {
            var (low, high) = (0, transitions.count)
            while low < high {
                let middle = (low + high) / 2
                if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
            }
            return low == 0 ? first : offsets[low - 1]
        }
        return rule?.offset(at: seconds) ?? offsets.last ?? first
    }

    /// A zone by its name or as `+01:00`.
    static func named(_ name: String) throws(EvaluationError) -> TimeZone {
        if name.isEmpty || name == "UTC" { return .utc }
        if let colon = name.firstIndex(of: ":") {
            guard let hours = Int64(name[..<colon]), let minutes = Int64(name[name.index(after: colon)...]), abs(hours) < 100,
                abs(minutes) < 100
            else { throw EvaluationError("strconv.Atoi: parsing \"\(name)\": invalid syntax") }
            return TimeZone(fixed: (hours * 60 + (name.hasPrefix("-") ? -minutes : minutes)) * 60)
        }
        if let known = cache.withLock({ $0[name] }) { return known }
        guard let zone = read(name) else { throw EvaluationError("unknown time zone \(name)") }
        cache.withLock { $0[name] = zone }
        return zone
    }

    /// Only names that exist are kept, so it cannot grow beyond the database.
    private static let cache = Mutex<[String: TimeZone]>([:])

    // MARK: The database

    private static func read(_ name: String) -> TimeZone? {
        let letters = name.utf8.allSatisfy {
            ($0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z")) || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
                || [UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+")].contains($0)
        }
        guard letters, name.utf8.count < 100, !name.hasPrefix("/"), let bytes = contents("/usr/share/zoneinfo/\(name)") else { return nil }
        return TimeZone(file: bytes)
    }

    /// A file of the database: a few kilobytes on the local disk, read once for each zone.
    private static func contents(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    /// Reads the 64-bit part of a TZif file.
    init?(file bytes: [UInt8]) {
        guard bytes.starts(with: "TZif".utf8), bytes.count > 44, bytes[4] >= UInt8(ascii: "2") else { return nil }
        func number(_ start: Int, _ width: Int) -> Int64? {
            guard start >= 0, start + width <= bytes.count else { return nil }
            let value = bytes[start..<start + width].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return width == 8 ? Int64(bitPattern: value) : Int64(Int32(truncatingIfNeeded: value))
        }
        func counts(_ header: Int) -> [Int]? {
            let counts = (0..<6).compactMap { number(header + 20 + $0 * 4, 4).map { Int(clamping: $0) } }
            return counts.count == 6 && counts.allSatisfy { (0...65_536).contains($0) } ? counts : nil
        }
        // Six counts: UT and standard indicators, leap seconds, transitions, types, characters. The first part has times of four bytes.
        guard let old = counts(0) else { return nil }
        let header = 44 + old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0]
        guard let new = counts(header), new[4] > 0 else { return nil }
        let (times, indices) = (header + 44, header + 44 + new[3] * 8)
        let types = indices + new[3]
        var transitions: [Int64] = []
        var offsets: [Int64] = []
        for index in 0..<new[3] {
            guard let time = number(times + index * 8, 8), indices + index < bytes.count,
                let offset = number(types + Int(bytes[indices + index]) * 6, 4)
            else { return nil }
            transitions.append(time)
            offsets.append(offset)
        }
        guard let first = number(types, 4) else { return nil }
        let footer = types + new[4] * 6 + new[5] + new[2] * 12 + new[1] + new[0]
        let text = footer < bytes.count ? String(decoding: bytes[footer...].filter { $0 != 0x0a }, as: UTF8.self) : ""
        (self.transitions, self.offsets, self.first, rule) = (transitions, offsets, first, DaylightRule(text))
    }
}

/// When a place goes over to summer time and back, each year: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct DaylightRule: Sendable {
    private struct Change {
        /// A month, a week and a weekday, or a day of the year.
        var month: Int64 = 0
        var week: Int64 = 0
        var weekday: Int64 = 0
        var day: Int64 = 0
        /// Whether the leap day has no number.
        var skipsLeapDay = false
        var time: Int64 = 7200
    }

    private let standard: Int64
    private let summer: Int64
    private let changes: (start: Change, end: Change)?

    init?(_ text: String) {
        var rest = Substring(text)
        guard Self.name(&rest), let standard = Self.time(&rest) else { return nil }
        self.standard = -standard
        guard !rest.isEmpty else {
            (summer, changes) = (0, nil)
            return
        }
        guard Self.name(&rest) else { return nil }
        summer = Self.time(&rest).map { -$0 } ?? self.standard + 3600
        guard let start = Self.change(&rest), let end = Self.change(&rest) else { return nil }
        changes = (start, end)
    }

    func offset(at seconds: Int64) -> Int64 {
        guard let changes else { return standard }
        let year = CivilTime(seconds: seconds + standard).year
        let start = Self.moment(changes.start, year) - standard
        let end = Self.moment(changes.end, year) - summer
        let isSummer = start < end ? (start..<end).contains(seconds) : !(end..<start).contains(seconds)
        return isSummer ? summer : standard
    }

    /// Seconds since 1970 on the local clock.
    private static func moment(_ change: Change, _ year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let newYear = Timestamp.day(year: year, month: 1, day: 1)
        var day: Int64
        if change.month > 0 {
            let first = Timestamp.day(year: year, month: change.month, day: 1)
            let length =
                (change.month == 12
                    ? Timestamp.day(year: year + 1, month: 1, day: 1) : Timestamp.day(year: year, month: change.month + 1, day: 1)) - first
            day = (change.weekday - (first + 4) % 7 + 14) % 7 + (change.week - 1) * 7
            if day >= length { day -= 7 }
            day += first
        } else {
            day = newYear + (change.skipsLeapDay ? change.day - 1 + (isLeap && change.day > 59 ? 1 : 0) : change.day)
        }
        return day * 86_400 + change.time
    }

    private static func name(_ rest: inout Substring) -> Bool {
        if rest.first == "<", let end = rest.firstIndex(of: ">") {
            rest = rest[rest.index(after: end)...]
            return true
        }
        let name = rest.prefix(while: \.isLetter)
        rest = rest.dropFirst(name.count)
        return !name.isEmpty
    }

    private static func number(_ rest: inout Substring) -> Int64? {
        let digits = rest.prefix(while: \.isASCIIDigit)
        rest = rest.dropFirst(digits.count)
        return digits.count < 6 ? Int64(digits) : nil
    }

    /// `[-]hours[:minutes[:seconds]]`, in seconds.
    private static func time(_ rest: inout Substring) -> Int64? {
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        guard var total = number(&rest) else { return nil }
        total *= 3600
        for unit in [60, 1] as [Int64] where rest.first == ":" {
            rest = rest.dropFirst()
            guard let part = number(&rest) else { return nil }
            total += part * unit
        }
        return isNegative ? -total : total
    }

    /// `,M3.5.0/2`, `,J60/2` or `,59/2`.
    private static func change(_ rest: inout Substring) -> Change? {
        guard rest.first == "," else { return nil }
        rest = rest.dropFirst()
        var change = Change()
        if rest.first == "M" {
            rest = rest.dropFirst()
            guard let month = number(&rest), rest.first == "." else { return nil }
            rest = rest.dropFirst()
            guard let week = number(&rest), rest.first == "." else { return nil }
            rest = rest.dropFirst()
            guard let weekday = number(&rest), (1...12).contains(month), (1...5).contains(week), (0...6).contains(weekday) else {
                return nil
            }
            (change.month, change.week, change.weekday) = (month, week, weekday)
        } else {
            change.skipsLeapDay = rest.first == "J"
            if change.skipsLeapDay { rest = rest.dropFirst() }
            guard let day = number(&rest), day <= 366 else { return nil }
            change.day = day
        }
        if rest.first == "/" {
            rest = rest.dropFirst()
            guard let time = time(&rest) else { return nil }
            change.time = time
        }
        return change
    }
}
