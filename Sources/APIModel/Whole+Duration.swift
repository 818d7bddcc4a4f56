extension Duration {
    /// Cut to a century, forwards or backwards, which every clock can add and every count of nanoseconds can hold.
    public static func seconds(_ whole: Whole) -> Duration { .seconds(within(whole, Value.longestSpan)) }
    public static func milliseconds(_ whole: Whole) -> Duration { .milliseconds(within(whole, Value.longestSpan * 1_000)) }
    public static func nanoseconds(_ whole: Whole) -> Duration { .nanoseconds(within(whole, Value.longestSpan * 1_000_000_000)) }

    private static func within(_ whole: Whole, _ longest: Whole) -> Int64 { min(max(whole, -longest), longest).int64 }

    /// Its length, cut to what fits.
    public var nanoseconds: Whole { Whole(components.seconds) * 1_000_000_000 + Whole(components.attoseconds / 1_000_000_000) }
}
