internal import APIModel
internal import Synchronization

/// When each autoscaler was looked at, so that what a look writes, or others write into the status, does not call for the next one: metrics
/// that change all the time would be asked for without a pause. What an autoscaler asks for may change at any time.
final class Pace: Sendable {
    private struct Look {
        var asked: [Value]
        var time: ContinuousClock.Instant
    }

    /// By uid.
    private let looks = Mutex<[String: Look]>([:])
    private let period: Duration

    init(period: Duration) { self.period = period }

    /// Milliseconds until the next look is due; `nil` where it is now, which is noted.
    func wait(for autoscaler: Value, now: ContinuousClock.Instant = .now) -> Whole? {
        let metadata = autoscaler["metadata"]
        let asked = [metadata["labels"], metadata["annotations"], autoscaler["spec"]]
        return looks.withLock { looks in
            let uid = metadata["uid"].string ?? ""
            if let last = looks[uid], last.asked == asked, now < last.time + period {
                return Whole(Int((last.time + period - now) / .milliseconds(1)) + 1)
            }
            looks[uid] = Look(asked: asked, time: now)
            return nil
        }
    }

    func forget(_ uid: String) { looks.withLock { _ = $0.removeValue(forKey: uid) } }
}
