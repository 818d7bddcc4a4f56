/// Durations as Go writes them: in upstream's messages, and in the files that configure its programs.
public enum GoDuration {
    /// `%v` of a duration of whole seconds: `10s`, `1m20s`, `5m0s`.
    public static func text(seconds: Whole) -> String {
        let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60)
        if hours > 0 { return "\(hours)h\(minutes)m\(rest)s" }
        return minutes > 0 ? "\(minutes)m\(rest)s" : "\(rest)s"
    }

    /// What is no duration, in Go's words: `time: unknown unit "d" in duration "1d"`.
    public struct Problem: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    private static let units: [Substring: UInt64] = [
        "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
    ]

    /// What Go reads as a duration: `1m30s`, `250ms`, `-1.5s`. Up to 292 years either way; what is less than a nanosecond is dropped.
    public static func nanoseconds(_ text: String) throws(Problem) -> Int64 {
        func invalid() -> Problem { Problem(description: "time: invalid duration \(FieldError.quoted(text))") }
        var rest = text[...]
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { throw invalid() }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let (whole, fraction) = number(&rest)
            guard !(whole.isEmpty && fraction.isEmpty) else { throw invalid() }
            let name = rest.prefix { $0 != "." && !isDigit($0) }
            let of = "in duration \(FieldError.quoted(text))"
            guard !name.isEmpty else { throw Problem(description: "time: missing unit \(of)") }
            guard let unit = units[name] else {
                throw Problem(description: "time: unknown unit \(FieldError.quoted(String(name))) \(of)")
            }
            rest.removeFirst(name.count)
            guard let count = whole.isEmpty ? 0 : UInt64(whole), let part = product(count, fraction, unit) else { throw invalid() }
            let (sum, isBeyond) = total.addingReportingOverflow(part)
            guard !isBeyond else { throw invalid() }
            total = sum
        }
        if isNegative, total == Int64.min.magnitude { return .min }
        guard let positive = Int64(exactly: total) else { throw invalid() }
        return isNegative ? 0 &- positive : positive
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) && character.isASCII }

    /// The digits before the point and after it.
    private static func number(_ rest: inout Substring) -> (whole: Substring, fraction: Substring) {
        func digits() -> Substring {
            let digits = rest.prefix(while: isDigit)
            rest.removeFirst(digits.count)
            return digits
        }
        let whole = digits()
        guard rest.first == "." else { return (whole, "") }
        rest.removeFirst()
        return (whole, digits())
    }

    private static func product(_ count: UInt64, _ fraction: Substring, _ unit: UInt64) -> UInt64? {
        let (product, isBeyond) = count.multipliedReportingOverflow(by: unit)
        guard !isBeyond else { return nil }
        let tail = fraction.prefix(18)
        let scale = (0..<tail.count).reduce(UInt128(1)) { scale, _ in scale * 10 }
        let (sum, isTooMuch) = product.addingReportingOverflow(UInt64(UInt128(UInt64(tail) ?? 0) * UInt128(unit) / scale))
        return isTooMuch ? nil : sum
    }

    /// A century; more is no span that anything here waits for.
    private static let longest = Int64(3.2e18)

    /// The same as a span to wait for. `nil` for what is none.
    public static func parse(_ text: String) -> Duration? {
        guard let span = try? nanoseconds(text), span <= longest else { return nil }
        return .nanoseconds(span)
    }

    /// The same in whole seconds: `300ms` is none.
    public static func seconds(_ text: String) -> Whole? { parse(text).map { Whole($0.components.seconds) } }

    /// `%v` of a duration rounded to milliseconds: `345ms`, `1.2s`.
    public static func text(milliseconds: Whole) -> String {
        guard milliseconds >= 1000 else { return milliseconds == 0 ? "0s" : "\(milliseconds)ms" }
        let (whole, rest) = (milliseconds / 1000, milliseconds % 1000)
        guard rest > 0 else { return text(seconds: whole) }
        var digits = String(rest + 1000).dropFirst()
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return text(seconds: whole).dropLast() + ".\(digits)s"
    }
}
