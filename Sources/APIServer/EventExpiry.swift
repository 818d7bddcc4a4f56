import APIModel
import Store

/// Events live for a while after they last happened.
struct EventExpiry: Sendable {
    private static let interval: Duration = .seconds(60)

    let registry: Registry
    /// In seconds.
    let lifetime: Whole

    /// Until the task is cancelled.
    func run() async {
        while (try? await Task.sleep(for: Self.interval)) != nil { await removeExpired(now: Clock.seconds) }
    }

    func removeExpired(now: Whole) async {
        guard let events = try? registry.store.list("/events") else { return }
        for record in events.records where record.age(at: now) > lifetime {
            // One that changed in the meantime lives on; any other failure is tried again in the next round.
            _ = try? await registry.store.delete(record.key, expecting: .revision(record.revision))
        }
    }
}

extension Record {
    /// Seconds since an event last happened, or was last written, whatever it says of when it happened.
    fileprivate func age(at now: Whole) -> Whole {
        let event = object.value
        let times =
            [event["series"]["lastObservedTime"], event["lastTimestamp"], event["eventTime"], event[path: "metadata", "creationTimestamp"]]
            + event[path: "metadata", "managedFields"].elements.map { $0["time"] }
        let last = times.compactMap { $0.string.flatMap { Timestamp.parse($0)?.seconds } }.max()
        return last.map { now - $0 } ?? 0
    }
}
