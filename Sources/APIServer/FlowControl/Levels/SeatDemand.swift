/// How many seats a priority level could have used: the mean, the spread and the peak of each period, and a mean that rises at once and
/// falls slowly. A value without clock.
struct SeatDemand: Sendable {
    /// What is left of the older mean from one period to the next.
    static let smoothing = 0.977

    /// Of the last whole period.
    struct Figures: Sendable, Hashable {
        var peak = 0
        var average = 0.0
        var deviation = 0.0
        /// Over the periods before as well.
        var smoothed = 0.0
    }

    private(set) var figures = Figures()
    private var seats = 0.0
    private var peak = 0.0
    private var last: Double
    // The integrals over the current period.
    private var duration = 0.0
    private var sum = 0.0
    private var squares = 0.0

    init(at now: Double) { last = now }

    mutating func set(_ seats: Double, at now: Double) {
        integrate(to: now)
        self.seats = seats
        peak = max(peak, seats)
    }

    /// Ends the period, and begins the next with what is wanted now.
    mutating func endPeriod(at now: Double) {
        integrate(to: now)
        figures.peak = Int(peak.rounded())
        if duration > 0 {
            figures.average = sum / duration
            let variance = squares / duration - figures.average * figures.average
            figures.deviation = variance > 0 ? variance.squareRoot() : 0
            let envelope = figures.average + figures.deviation
            figures.smoothed = max(envelope, Self.smoothing * figures.smoothed + (1 - Self.smoothing) * envelope)
        }
        (duration, sum, squares, peak) = (0, 0, 0, seats)
    }

    private mutating func integrate(to now: Double) {
        let elapsed = max(0, now - last)
        last = max(last, now)
        duration += elapsed
        sum += elapsed * seats
        squares += elapsed * seats * seats
    }
}
