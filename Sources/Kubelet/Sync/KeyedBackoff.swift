import APIModel

/// Growing waits, one for each key: 10 s at first, twice as long each time, 5 minutes at most, and back to the beginning when nothing
/// happened for twice that long.
///
/// Times are nanoseconds since 1970, given by the caller. Upstream: client-go `flowcontrol.Backoff`.
struct KeyedBackoff: Sendable {
    var initial: Whole = 10_000_000_000
    var maximum: Whole = 300_000_000_000
    private var entries: [String: Entry] = [:]

    private struct Entry {
        var wait: Whole
        var updated: Whole
    }

    init() {}

    init(initial: Whole, maximum: Whole) {
        self.initial = initial
        self.maximum = maximum
    }

    /// When the wait that began with `event` is over, `nil` when it is or there is none.
    func deadline(_ key: String, since event: Whole, now: Whole) -> Whole? {
        guard let entry = entries[key], event - entry.updated <= maximum * 2 else { return nil }
        let deadline = event + entry.wait
        return now < deadline ? deadline : nil
    }

    /// The wait after the newest failure, from when that was noted.
    func deadline(_ key: String, now: Whole) -> Whole? {
        guard let entry = entries[key] else { return nil }
        let deadline = entry.updated + entry.wait
        return now < deadline ? deadline : nil
    }

    /// The current wait in seconds, 0 when there is none.
    func seconds(_ key: String) -> Whole { (entries[key]?.wait ?? 0) / 1_000_000_000 }

    /// Notes a failure that happened at `event`.
    mutating func fail(_ key: String, at event: Whole, now: Whole) {
        if let entry = entries[key], event - entry.updated <= maximum * 2 {
            entries[key] = Entry(wait: min(entry.wait * 2, maximum), updated: now)
        } else {
            entries[key] = Entry(wait: initial, updated: now)
        }
    }

    mutating func reset(_ key: String) { entries[key] = nil }
}
