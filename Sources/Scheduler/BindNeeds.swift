/// What is to be done before a Pod is bound.
package struct BindNeeds: Sendable {
    package var volumes: [VolumeBinding] = []
    package var claims: [ClaimBinding] = []

    /// When it was tried; for figures.
    var attempt: Attempt?

    /// Whether nothing is to be done.
    var isEmpty: Bool { volumes.isEmpty && claims.isEmpty && prebind == nil }
}

/// When a Node was looked for.
struct Attempt: Sendable {
    let number: Int
    let start: ContinuousClock.Instant
    let firstStart: ContinuousClock.Instant

    /// `nil` while none was.
    init?(_ entry: SchedulingQueue<PodInfo>.Entry) {
        guard let start = entry.lastTried, let firstStart = entry.firstTried else { return nil }
        (number, self.start, self.firstStart) = (entry.attempts, start, firstStart)
    }
}
