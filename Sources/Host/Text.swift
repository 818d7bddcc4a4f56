/// How durations and sizes are told and given.
enum Text {
    /// `2 s`, `0.1 s`.
    static func duration(_ duration: Duration) -> String {
        let tenths = milliseconds(duration) / 100
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }

    /// At least one, unless it is none: as `poll` takes it.
    static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        guard duration > .zero else { return 0 }
        return Int32(clamping: max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }

    /// `1.5 GiB`, `16 MiB`, `12 bytes`.
    static func bytes(_ count: UInt64) -> String {
        for (unit, shift) in [("TiB", UInt64(40)), ("GiB", 30), ("MiB", 20), ("KiB", 10)] where count >> shift > 0 {
            // Swift shifts before it multiplies.
            let tenths = ((count >> (shift - 10)) * 10) >> 10
            return tenths >= 100 || tenths % 10 == 0 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(count) bytes"
    }
}
