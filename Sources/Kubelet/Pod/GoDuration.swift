import APIModel

/// Durations as Go prints them where upstream's messages do.
enum GoDuration {
    /// `%v` of a duration of whole seconds: `10s`, `1m20s`, `5m0s`.
    static func text(seconds: Whole) -> String {
        let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60)
        if hours > 0 { return "\(hours)h\(minutes)m\(rest)s" }
        return minutes > 0 ? "\(minutes)m\(rest)s" : "\(rest)s"
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
