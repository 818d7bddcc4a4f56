/// Who lends seats to whom: shares out all there are by what each level wanted of late, within the limits of each.
struct SeatAllocation: Sendable {
    /// One priority level that asks.
    struct Claim: Sendable {
        var limits: SeatLimits
        var demand: SeatDemand.Figures
        /// Its requests are served in any case; what they take, the others have less.
        var isExempt: Bool

        /// What it keeps: what it needed at most, between what it may not lend and what is its own.
        var lower: Int { max(limits.lower, isExempt ? demand.peak : min(limits.nominal, demand.peak)) }
        var target: Double { max(Double(lower), demand.smoothed) }
    }

    /// The limit of each level, in the order of the claims.
    private(set) var limits: [Int]
    /// What each gets of its target where no limit of its own says otherwise; 0 where there is not even that.
    private(set) var fraction = 0.0

    init(_ claims: [Claim]) {
        let limited = claims.filter { !$0.isExempt }
        let all = claims.reduce(0) { $0 + $1.limits.nominal }
        let exempt = claims.lazy.filter(\.isExempt).reduce(0) { $0 + $1.lower }
        let (least, wanted) = (limited.reduce(0) { $0 + $1.limits.lower }, limited.reduce(0) { $0 + $1.lower })
        let rest = all - exempt
        limits = claims.map(\.lower)
        func set(_ limit: (Claim) -> Double) {
            for (index, claim) in claims.enumerated() where !claim.isExempt { limits[index] = Int(limit(claim).rounded()) }
        }
        if rest <= least {
            set { Double($0.limits.lower) }
        } else if rest <= wanted {
            let part = Double(rest - least) / Double(wanted - least)
            set { Double($0.limits.lower) + (Double($0.lower - $0.limits.lower) * part).rounded() }
        } else {
            let fraction = Self.fraction(limited, of: Double(all))
            self.fraction = fraction
            set { Self.share($0, fraction) }
        }
    }

    /// So that nothing is divided by nothing.
    private static let leastTarget = 0.001

    private static func share(_ claim: Claim, _ fraction: Double) -> Double {
        min(Double(claim.limits.upper), max(Double(claim.lower), fraction * max(claim.target, leastTarget)))
    }

    /// The fraction of the targets by which the shares come to `total`, or as near as the limits let them. The sum rises with the fraction,
    /// in straight lines between the points where a share meets one of its limits.
    private static func fraction(_ claims: [Claim], of total: Double) -> Double {
        let points = claims.flatMap { claim in
            [claim.lower, claim.limits.upper].map { Double($0) / max(claim.target, leastTarget) }
        }.sorted()
        func sum(_ fraction: Double) -> Double { claims.reduce(0) { $0 + share($1, fraction) } }
        guard var below = points.first else { return 0 }
        for point in points {
            let (low, high) = (sum(below), sum(point))
            if high >= total { return high > low ? below + (point - below) * max(0, total - low) / (high - low) : below }
            below = point
        }
        return below
    }
}
