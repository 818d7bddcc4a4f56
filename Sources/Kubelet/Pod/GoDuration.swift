import APIModel

/// Durations as Go prints them where upstream's messages do.
enum GoDuration {
    /// `%v` of a duration of whole seconds: `10s`, `1m20s`, `5m0s`.
    static func text(seconds: Whole) -> String {
        let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60)
        if hours > 0 { return "\(hours)h\(minutes)m\(rest)s" }
        return minutes > 0 ? "\(minutes)m\(rest)s" : "\(rest)s"
    }

    /// What Go reads as a duration, in whole seconds: `300ms` is none, `1h5m` is 3900. `nil` for what is none.
    static func seconds(_ text: String) -> Whole? {
        let units: [String: Double] = ["ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600]
        var rest = Substring(text)
        let isNegative = rest.hasPrefix("-")
        if isNegative || rest.hasPrefix("+") { rest = rest.dropFirst() }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { return nil }
        var seconds = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            let unit = rest.dropFirst(digits.count).prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
            guard let number = Double(digits), let factor = units[String(unit)] else { return nil }
            seconds += number * factor
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return Whole(isNegative ? -seconds : seconds)
    }

    /// `%v` of a duration rounded to milliseconds: `345ms`, `1.2s`.
    static func text(milliseconds: Whole) -> String {
        guard milliseconds >= 1000 else { return milliseconds == 0 ? "0s" : "\(milliseconds)ms" }
        let (whole, rest) = (milliseconds / 1000, milliseconds % 1000)
        guard rest > 0 else { return text(seconds: whole) }
        var digits = String(rest + 1000).dropFirst()
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return text(seconds: whole).dropLast() + ".\(digits)s"
    }
}
