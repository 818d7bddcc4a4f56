internal import APIModel

/// A span of time, in nanoseconds: up to 292 years either way.
public struct DurationValue: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func < (left: DurationValue, right: DurationValue) -> Bool { left.nanoseconds < right.nanoseconds }

    static let second: Int64 = 1_000_000_000

    /// Seconds with as many digits after the point as a double has: `3661.5s`.
    public var description: String {
        NumberText.plain(Double(nanoseconds / Self.second) + Double(nanoseconds % Self.second) / 1e9) + "s"
    }

    /// Reads `1h2m3.5s` as Go does: a sign, then numbers with units.
    init?(_ text: String) {
        guard let nanoseconds = try? GoDuration.nanoseconds(text) else { return nil }
        self.init(nanoseconds: nanoseconds)
    }

    private static func digits(_ rest: inout Substring) -> Substring {
        let digits = rest.prefix(while: \.isASCIIDigit)
        rest.removeFirst(digits.count)
        return digits
    }

    private static let words: [(names: [String], nanoseconds: Int64)] = [
        (["ns", "nano", "nanosecond"], 1), (["us", "µs", "micro", "microsecond"], 1000), (["ms", "milli", "millisecond"], 1_000_000),
        (["s", "sec", "second"], 1_000_000_000), (["m", "min", "minute"], 60_000_000_000), (["h", "hr", "hour"], 3_600_000_000_000),
        (["d", "day"], 86_400_000_000_000), (["w", "wk", "week"], 604_800_000_000_000),
    ]

    /// Reads what a schema with the format `duration` admits: also `3 days 2 hr`.
    init?(format text: String) {
        if let plain = DurationValue(text) {
            self = plain
            return
        }
        var rest = text[...]
        var total: Int64 = 0
        var isEmpty = true
        while let start = rest.firstIndex(where: \.isASCIIDigit) {
            rest = rest[start...]
            let number = Self.digits(&rest)
            rest = rest.drop(while: \.isWhitespace)
            let name = rest.prefix { $0.isLetter }.lowercased()
            guard
                let unit = Self.words.first(where: { $0.names.contains { name == $0 || name == "\($0)s" } }), let count = Int64(number)
            else { return nil }
            rest = rest.dropFirst(name.count)
            let (part, isBeyond) = count.multipliedReportingOverflow(by: unit.nanoseconds)
            let (sum, isTooMuch) = total.addingReportingOverflow(part)
            guard !isBeyond, !isTooMuch else { return nil }
            total = sum
            isEmpty = false
        }
        if isEmpty { return nil }
        self.init(nanoseconds: total)
    }
}

extension Character {
    var isASCIIDigit: Bool { ("0"..."9").contains(self) && isASCII }
}
