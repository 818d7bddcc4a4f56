/// The latest changes of one collection, oldest first. A cursor is the number of events before it since the store was opened.
struct History: Sendable {
    /// Events younger than this many others keep what readers attached to them; see `Event.cool`.
    private static let warm = 256

    private var events: ContiguousArray<Event> = []
    /// The leading entries of `events` that are given up and wait to be removed together, so that removal costs little per event.
    private var skipped = 0
    /// How many events came before `events`.
    private var base = 0
    private var bytes = 0
    /// All events after this revision are kept: the oldest a watch can start from.
    private(set) var compacted: UInt64

    init(compacted: UInt64) { self.compacted = compacted }

    var first: Int { base + skipped }
    var end: Int { base + events.count }
    subscript(cursor: Int) -> Event { events[cursor - base] }

    /// The revision of the latest change, or that from which on there was none.
    var newest: UInt64 { events.last?.revision ?? compacted }

    /// The first event after `revision`.
    func cursor(after revision: UInt64) -> Int {
        var low = skipped
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return base + low
    }

    mutating func append(_ event: Event) {
        events.append(event)
        bytes += Self.cost(event)
        let cooling = events.count - 1 - Self.warm
        if cooling >= skipped { events[cooling].cool() }
    }

    /// Gives up what exceeds the limits, and what led to states up to `oldest`, the first that is still wanted.
    mutating func trim(_ options: Options, oldest: UInt64) {
        while skipped < events.count,
            events.count - skipped > options.historyLimit || bytes > options.historyBytes || events[skipped].revision <= oldest
        {
            compacted = events[skipped].revision
            bytes -= Self.cost(events[skipped])
            events[skipped].cool()
            skipped += 1
        }
        if skipped > 0, skipped == events.count || skipped > options.historyLimit / 4 || skipped > 1_000 {
            events.removeSubrange(..<skipped)
            base += skipped
            skipped = 0
        }
    }

    /// An event's `previous` is most often the record of an earlier event, so only the record is counted.
    private static func cost(_ event: Event) -> Int { event.record.bytes.count + 128 }
}
