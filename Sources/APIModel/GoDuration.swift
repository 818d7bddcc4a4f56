/// Durations as Go writes them: in upstream's messages, and in the files that configure its programs.
public enum GoDuration {
    /// `%v` of a duration of whole seconds: `10s`, `1m20s`, `5m0s`.
    public static func text(seconds: Whole) -> String {
        let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60)
        if hours > 0 { return "\(hours)h\(minutes)m\(rest)s" }
        return minutes > 0 ? "\(minutes)m\(rest)s" : "\(rest)s"
    }

    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
    ]
    /// A century; more is no span that anything here waits for.
    private static let longest = 3.2e18

    /// What Go reads as a duration: `1m30s`, `250ms`, `-1s`. `nil` for what is none.
    public static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = text[...]
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest.removeFirst() }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), let factor = units.first(where: { $0.name == unit })?.nanoseconds else { return nil }
            total += number * factor
        }
        guard total <= longest else { return nil }
        return .nanoseconds(Int64(isNegative ? -total : total))
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
