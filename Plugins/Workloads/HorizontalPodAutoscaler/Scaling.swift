internal import APIModel

/// From what the metrics ask for to what may be done now: not up and down all the time, not too fast, within the bounds.
struct Scaling {
    /// What was asked for and done lately. A hint: after a start without it, the first scale may come sooner.
    struct History: Hashable {
        struct Entry: Hashable {
            /// Seconds since 1970.
            var time: Whole
            var replicas: Whole

            /// Whether it is of the last so many seconds. What is still to come was noted before the clock was set back, and says nothing.
            func isOfLast(_ seconds: Whole, now: Whole) -> Bool { time <= now && time + seconds > now }
        }

        var recommendations: [Entry] = []
        /// By how much it was scaled.
        var ups: [Entry] = []
        var downs: [Entry] = []

        /// The longest that any rule looks back.
        static let span: Whole = 3600

        mutating func note(recommendation: Whole, now: Whole) { Self.add(recommendation, to: &recommendations, now) }

        mutating func note(scaledFrom before: Whole, to after: Whole, now: Whole) {
            if after > before { Self.add(after - before, to: &ups, now) } else { Self.add(before - after, to: &downs, now) }
        }

        private static func add(_ replicas: Whole, to entries: inout [Entry], _ now: Whole) {
            entries.removeAll { !$0.isOfLast(span + 1, now: now) }
            entries.append(Entry(time: now, replicas: replicas))
        }
    }

    struct Word: Hashable {
        var reason: String
        var message: String
    }

    struct Result: Hashable {
        var replicas: Whole
        /// Why it waits, `nil` when it does not.
        var stabilized: Word?
        var isLimited: Bool
        var limit: Word
    }

    /// `spec.behavior`, or `.null`.
    let behavior: Value
    let least: Whole
    let most: Whole
    let current: Whole
    let history: History
    /// Seconds since 1970.
    let now: Whole

    private static let defaultWindow: Whole = 300

    func result(for wanted: Whole) -> Result {
        let stable = stabilized(wanted)
        let isUp = behavior.isNull ? false : wanted >= current
        let word =
            isUp
            ? Word(
                reason: "ScaleUpStabilized",
                message: "recent recommendations were lower than current one, applying the lowest recent recommendation")
            : Word(
                reason: "ScaleDownStabilized",
                message: "recent recommendations were higher than current one, applying the highest recent recommendation")
        let (replicas, limit) = behavior.isNull ? bounded(stable) : paced(stable)
        return Result(replicas: replicas, stabilized: stable == wanted ? nil : word, isLimited: replicas != stable, limit: limit)
    }

    // MARK: Steadiness

    private func stabilized(_ wanted: Whole) -> Whole {
        func recent(_ window: Whole) -> [Whole] {
            history.recommendations.filter { $0.isOfLast(window, now: now) }.map(\.replicas) + [wanted]
        }
        guard !behavior.isNull else { return recent(Self.defaultWindow).max() ?? wanted }
        let up = recent(behavior["scaleUp"]["stabilizationWindowSeconds"].seconds ?? 0).min() ?? wanted
        let down = recent(behavior["scaleDown"]["stabilizationWindowSeconds"].seconds ?? Self.defaultWindow).max() ?? wanted
        return min(max(current, up), down)
    }

    // MARK: Pace and bounds

    private static let tooFew = Word(reason: "TooFewReplicas", message: "the desired replica count is less than the minimum replica count")
    private static let tooMany = Word(
        reason: "TooManyReplicas", message: "the desired replica count is more than the maximum replica count")
    private static let tooFastUp = Word(
        reason: "ScaleUpLimit", message: "the desired replica count is increasing faster than the maximum scale rate")
    private static let tooFastDown = Word(
        reason: "ScaleDownLimit", message: "the desired replica count is decreasing faster than the maximum scale rate")
    private static let within = Word(reason: "DesiredWithinRange", message: "the desired count is within the acceptable range")

    /// Without `behavior`: at most twice as many, or four.
    private func bounded(_ wanted: Whole) -> (Whole, Word) {
        let pace = max(current * 2, 4)
        let highest = min(most, pace)
        if wanted < least { return (least, Self.tooFew) }
        if wanted > highest { return (highest, most > pace ? Self.tooFastUp : Self.tooMany) }
        return (wanted, Self.within)
    }

    private func paced(_ wanted: Whole) -> (Whole, Word) {
        if wanted > current {
            let pace = max(limit(behavior["scaleUp"], isUp: true), current)
            let highest = min(most, pace)
            return wanted > highest ? (highest, most > pace ? Self.tooFastUp : Self.tooMany) : (wanted, Self.within)
        }
        if wanted < current {
            let pace = min(limit(behavior["scaleDown"], isUp: false), current)
            let lowest = max(least, pace)
            return wanted < lowest ? (lowest, least < pace ? Self.tooFastDown : Self.tooFew) : (wanted, Self.within)
        }
        return (wanted, Self.within)
    }

    /// How far the policies let it go from what there was at the beginning of their periods.
    private func limit(_ rules: Value, isUp: Bool) -> Whole {
        let choice = rules["selectPolicy"].string
        if choice == "Disabled" { return current }
        let limits = rules["policies"].elements.map { policy -> Whole in
            let (period, value) = (policy["periodSeconds"].seconds ?? 0, policy["value"].int ?? 0)
            func changed(_ entries: [History.Entry]) -> Whole {
                entries.filter { $0.isOfLast(period, now: now) }.reduce(Whole.zero) { $0 + $1.replicas }
            }
            let start = current - changed(history.ups) + changed(history.downs)
            guard policy["type"].string == "Percent" else { return isUp ? start + value : start - value }
            let share = Double(start) * (1 + (isUp ? 1 : -1) * Double(value) / 100)
            // Upwards rounded up, or a small size would never grow.
            return Whole(isUp ? share.rounded(.up) : share)
        }
        let wantsFarthest = choice != "Min"
        return (isUp == wantsFarthest ? limits.max() : limits.min()) ?? current
    }
}
