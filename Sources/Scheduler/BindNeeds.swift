/// What is to be done before a Pod is bound.
package struct BindNeeds: Sendable {
    package var volumes: [VolumeBinding] = []
    package var claims: [ClaimBinding] = []
    /// What policies do; `nil` where none has anything to do.
    package var prebind: Prebind?

    /// When it was tried; for figures.
    var attempt: Attempt?

    /// Whether nothing is to be done.
    var isEmpty: Bool { volumes.isEmpty && claims.isEmpty && prebind == nil }
}

/// When a Node was looked for.
struct Attempt: Sendable {
    let number: Int
    let start: ContinuousClock.Instant
    /// When the Pod came.
    let arrival: ContinuousClock.Instant

    /// `nil` while none was.
    init?(_ entry: SchedulingQueue<PodInfo>.Entry) {
        guard let start = entry.lastTried, let arrival = entry.firstCame else { return nil }
        (number, self.start, self.arrival) = (entry.attempts, start, arrival)
    }
}
