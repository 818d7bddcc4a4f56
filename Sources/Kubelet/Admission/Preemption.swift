import APIModel

/// Which pods go so that one that the cluster cannot do without has room: as few as will do, those that were promised least first. Upstream:
/// `kubelet/preemption`.
enum Preemption {
    struct Failure: Error, Equatable, CustomStringConvertible {
        let missing: [(resource: String, amount: Whole)]

        static func == (a: Failure, b: Failure) -> Bool { a.description == b.description }

        var description: String {
            let list = missing.map { "(res: \($0.resource), q: \($0.amount)), " }.joined()
            return "preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [\(list)]"
        }
    }

    /// What everyone who goes is told.
    static let message = "Preempted in order to admit critical pod"

    private typealias Missing = [(resource: String, amount: Whole)]

    /// - Parameter missing: what there is not enough of, and how much of it; what is not above zero is not missing.
    static func victims(for claim: Claim, among others: [Claim], missing: [(resource: String, amount: Whole)]) throws(Failure) -> [Claim] {
        let missing = missing.filter { $0.amount > 0 }
        let mayGo = others.filter { claim.mayPreempt($0) }
        let classes = [QualityOfService.bestEffort, .burstable, .guaranteed].map { quality in mayGo.filter { $0.quality == quality } }
        let unmet = left(of: missing, without: mayGo)
        guard unmet.isEmpty else { throw Failure(missing: unmet) }
        // What a class has to give is what all those below it and those chosen above it do not.
        let guaranteed = try nearest(classes[2], to: left(of: missing, without: classes[0] + classes[1]))
        let burstable = try nearest(classes[1], to: left(of: missing, without: classes[0] + guaranteed))
        let bestEffort = try nearest(classes[0], to: left(of: missing, without: burstable + guaranteed))
        return bestEffort + burstable + guaranteed
    }

    private static func left(of missing: Missing, without pods: [Claim]) -> Missing {
        missing.compactMap { resource, amount in
            let rest = pods.reduce(amount) { $0 - ($1.amounts[resource] ?? 0) }
            return rest > 0 ? (resource, rest) : nil
        }
    }

    /// One after the other the one that comes closest to what is missing still; of two that come as close, the smaller.
    private static func nearest(_ pods: [Claim], to wanted: Missing) throws(Failure) -> [Claim] {
        var (rest, missing, chosen) = (pods, wanted, [Claim]())
        while !missing.isEmpty {
            let next = rest.indices.min { a, b in
                let (left, right) = (distance(rest[a], missing), distance(rest[b], missing))
                return left == right ? rest[a].isSmaller(than: rest[b]) : left < right
            }
            guard let next else { throw Failure(missing: missing) }
            chosen.append(rest.remove(at: next))
            missing = left(of: missing, without: [chosen[chosen.count - 1]])
        }
        return chosen
    }

    /// Every resource weighs the same, however much of it there is.
    private static func distance(_ pod: Claim, _ missing: Missing) -> Double {
        missing.reduce(0.0) { sum, part in
            let rest = part.amount - (pod.amounts[part.resource] ?? 0)
            guard rest > 0 else { return sum }
            let share = Double(Int64(rest)) / Double(Int64(part.amount))
            return sum + share * share
        }
    }
}

extension Claim {
    fileprivate func mayPreempt(_ other: Claim) -> Bool {
        if isCritical && !other.isCritical { return true }
        guard let priority, let otherPriority = other.priority else { return false }
        return priority > otherPriority
    }

    fileprivate func isSmaller(than other: Claim) -> Bool {
        for resource in ["memory", "cpu"] {
            let (own, others) = (amounts[resource] ?? 0, other.amounts[resource] ?? 0)
            if own != others { return own < others }
        }
        return false
    }
}
