import APIModel

/// Durations as configuration files write them: `1m30s`, `250ms`, `-1s`.
enum DurationText {
    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
    ]
    /// A century; more is no span that anything here waits for.
    private static let longest = 3.2e18

    /// `nil` for text that is none.
    static func parse(_ text: String) -> Duration? {
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
}
