import APIModel

/// Keeps events from flooding the API, with client-go's rules: repetitions are counted, many similar ones combined, and an object that
/// produces too many is rationed.
struct EventCorrelator {
    struct Outcome {
        var event: Value
        /// The event exists already; count, message and time change.
        var isRepetition: Bool
        var key: String
    }

    private struct Similar {
        var messages: Set<String> = []
        var last: ContinuousClock.Instant
    }

    private struct Recorded {
        var name: String
        var firstTimestamp: Value
        var count: Whole
    }

    private struct Ration {
        var tokens: Double
        var last: ContinuousClock.Instant
    }

    /// Bound of each table; upstream's LRU caches have the same.
    private static let limit = 4_096
    private static let similarLimit = 10
    private static let similarInterval = Duration.seconds(600)
    private static let burst = 25.0
    private static let secondsPerToken = 300.0

    private var similar: [String: Similar] = [:]
    private var recorded: [String: Recorded] = [:]
    private var rations: [String: Ration] = [:]

    /// What to send for `event`, `nil` for nothing.
    mutating func correlate(_ event: Value, now: ContinuousClock.Instant = .now) -> Outcome? {
        var event = event
        let source = Self.key(event["source"], ["component", "host"])
        let object = source + Self.key(event["involvedObject"], ["kind", "namespace", "name", "uid", "apiVersion", "fieldPath"])
        let group = object + Self.key(event, ["type", "reason", "reportingComponent", "reportingInstance"])
        let message = event["message"].string ?? ""

        var key = group + "|" + message
        var entry = similar[group] ?? Similar(last: now)
        if now - entry.last > Self.similarInterval { entry.messages = [] }
        entry.last = now
        entry.messages.insert(message)
        if entry.messages.count >= Self.similarLimit {
            entry.messages.remove(message)
            key = group
            event["message"] = .string("(combined from similar events): \(message)")
        }
        Self.bound(&similar)
        similar[group] = entry

        let earlier = recorded[key]
        if let earlier {
            event["metadata"]["name"] = .string(earlier.name)
            event["firstTimestamp"] = earlier.firstTimestamp
            event["count"] = .int(earlier.count + 1)
        }
        Self.bound(&recorded)
        recorded[key] = Recorded(
            name: event["metadata"]["name"].string ?? "", firstTimestamp: event["firstTimestamp"], count: event["count"].int ?? 1)

        guard take(object, now) else { return nil }
        return Outcome(event: event, isRepetition: earlier != nil, key: key)
    }

    private mutating func take(_ object: String, _ now: ContinuousClock.Instant) -> Bool {
        Self.bound(&rations)
        var ration = rations[object] ?? Ration(tokens: Self.burst, last: now)
        ration.tokens = min(Self.burst, ration.tokens + (now - ration.last) / .seconds(Self.secondsPerToken))
        ration.last = now
        defer { rations[object] = ration }
        guard ration.tokens >= 1 else { return false }
        ration.tokens -= 1
        return true
    }

    private static func key(_ value: Value, _ fields: [String]) -> String { fields.map { "|" + (value[$0].string ?? "") }.joined() }

    /// Forgets half of a full table: a forgotten entry costs one event too many.
    private static func bound<T>(_ table: inout [String: T]) {
        if table.count >= limit { for key in Array(table.keys.prefix(limit / 2)) { table.removeValue(forKey: key) } }
    }
}
