internal import APIModel
internal import Glibc
internal import PluginAPI
internal import PluginKit

/// One of a Pod's topologySpreadConstraints.
struct Spread: Hashable {
    let topologyKey: apus_string
    let maxSkew: Int32
    let minDomains: Int32
    let isRequired: Bool
    /// Of the cluster, not of the Pod: Nodes without the label of one count for the others.
    let isDefault: Bool
    let selector: Selector
    /// The Nodes that count.
    let rules: NodeRules?

    static func all(of pod: PodNeeds) -> [Spread] {
        pod.spread.map { raw in
            Spread(
                topologyKey: raw.topology_key, maxSkew: raw.max_skew, minDomains: raw.min_domains,
                isRequired: raw.is_required != 0, isDefault: raw.is_default != 0, selector: Selector(raw.selector),
                rules: NodeRules(pod, honorsAffinity: raw.honors_affinity != 0, honorsTaints: raw.honors_taints != 0))
        }
    }
}

/// Spread over the domains of a topology: how even it is, and how even it would be.
struct PodTopologySpread {
    private struct Required {
        let constraint: Spread
        let tally: Tally
        /// 1 where the Pod itself would count.
        let own: Int32
    }
    struct Preferred {
        let constraint: Spread
        let tally: Tally
        /// Of single Nodes, whichever count: for a constraint on the hostname.
        let perNode: Tally?
    }

    private let required: [Required]
    let preferred: [Preferred]

    init(_ key: PodPlan.Key, _ surroundings: Surroundings, _ nodes: Nodes) {
        // A Node without the label of one constraint counts for none of the same kind.
        func keys(_ isRequired: Bool) -> [apus_string] {
            key.spread.filter { $0.isRequired == isRequired && !$0.isDefault }.map(\.topologyKey)
        }
        func tally(_ constraint: Spread, _ region: Region.Key) -> Tally {
            surroundings.tally(.spread(namespace: key.pod.namespace, constraint.selector, in: region), nodes)
        }
        func region(_ constraint: Spread) -> Region.Key {
            Region.Key(topologyKey: constraint.topologyKey, labels: keys(constraint.isRequired), rules: constraint.rules)
        }
        required = key.spread.filter(\.isRequired).map {
            Required(constraint: $0, tally: tally($0, region($0)), own: $0.selector.matches(key.pod.labels) ? 1 : 0)
        }
        preferred = key.spread.filter { !$0.isRequired }.map {
            let isHostname = nodes.text($0.topologyKey) == NodeLabel.hostname
            return Preferred(
                constraint: $0, tally: tally($0, region($0)), perNode: isHostname ? tally($0, Region.Key(topologyKey: nil)) : nil)
        }
    }

    /// What is asked of single Nodes, as Pods are counted now; `nil` for nothing.
    var filter: Filter? {
        required.isEmpty
            ? nil
            : Filter(
                checks: required.map { check in
                    Filter.Check(
                        view: check.tally.view, own: check.own, most: Int64(least(check)) + Int64(check.constraint.maxSkew))
                })
    }

    struct Filter {
        struct Check {
            let view: Tally.View
            let own: Int32
            /// More than this would be uneven.
            let most: Int64

            func isUneven(_ count: Int32) -> Bool { Int64(count) + Int64(own) > most }
        }
        let checks: [Check]

        func refusal(_ node: Int) -> Checks.Refusal? {
            for check in checks {
                guard let count = check.view.count(node) else { return .missingTopologyLabel }
                if check.isUneven(count) { return .spread }
            }
            return nil
        }

        /// Clears every Node that `refusal` has something against.
        func filter(_ feasible: NodeSet) {
            for check in checks { check.view.remove(from: feasible, lacking: true, where: check.isUneven) }
        }
    }

    /// What the filter depends on beside what becomes of single Nodes: it answers as before while this is as it was. `nil` where there are too many
    /// domains to say.
    var standing: [Int]? {
        var standing: [Int] = []
        for check in filter?.checks ?? [] {
            guard check.view.counts.count <= 63 else { return nil }
            // Domains without a Pod beyond those with one are all alike.
            var uneven = check.isUneven(0) ? Int.min : 0
            for (domain, count) in check.view.counts.enumerated() where check.isUneven(count) { uneven |= 1 << domain }
            standing += [check.view.counts.count, uneven]
        }
        return standing
    }

    /// How many Pods the emptiest domain has; none while there are fewer domains than asked for.
    private func least(_ check: Required) -> Int32 {
        guard check.tally.region.inhabited >= Int(check.constraint.minDomains) else { return 0 }
        let (nodesIn, counts) = (check.tally.region.nodesIn, check.tally.counts)
        var least = Int32.max
        for domain in nodesIn.indices where nodesIn[domain] > 0 {
            guard domain < counts.count, counts[domain] > 0 else { return 0 }
            least = min(least, counts[domain])
        }
        return least
    }

    /// Whether Nodes are told apart by it.
    var isPreferred: Bool { !preferred.isEmpty }
}

/// The points of topology spread. Keeps its columns between calls.
final class SpreadScore {
    /// How crowded each Node's domains are.
    private let sums = NodeColumn<Double>(0)
    /// 1 for a Node that has the labels that the constraints ask for.
    private let rated = NodeColumn<UInt8>(0)
    private let points = NodeColumn<Int32>(0)

    /// 0 to 100 points for every Node of `feasible`; `nil` where no spread is preferred.
    func points(_ spread: PodTopologySpread, _ feasible: NodeSet) -> UnsafePointer<Int32>? {
        guard spread.isPreferred else { return nil }
        let (sums, points) = (sums.grown(to: feasible.count), points.grown(to: feasible.count))
        // Most often every Node has all labels.
        guard spread.preferred.contains(where: { $0.tally.region.topology.homeless.intersects(feasible) }) else {
            for (index, one) in spread.preferred.enumerated() { one.rate(feasible, sums, isFirst: index == 0) }
            let (least, most) = Crowd.round(sums, feasible)
            feasible.visitRuns { for node in $0 { points[node] = Crowd.points(sums[node], least, most) } }
            return UnsafePointer(points)
        }
        let rated = rated.grown(to: feasible.count)
        rate(spread.preferred, feasible, sums, rated)
        var (least, most) = (Double.infinity, 0.0)
        feasible.visitRuns {
            for node in $0 where rated[node] != 0 { (least, most) = (min(least, sums[node]), max(most, sums[node])) }
        }
        feasible.visitRuns { for node in $0 { points[node] = rated[node] == 0 ? 0 : Crowd.points(sums[node], least, most) } }
        return UnsafePointer(points)
    }

    private func rate(
        _ preferred: [PodTopologySpread.Preferred], _ feasible: NodeSet, _ sums: UnsafeMutablePointer<Double>,
        _ rated: UnsafeMutablePointer<UInt8>
    ) {
        feasible.visitRuns { for node in $0 { (sums[node], rated[node]) = (0, 1) } }
        if !preferred.contains(where: \.constraint.isDefault) {
            for one in preferred {
                one.tally.region.topology.domains.withUnsafeBufferPointer { domains in
                    feasible.visitRuns { for node in $0 where domains[node] < 0 { rated[node] = 0 } }
                }
            }
        }
        for one in preferred { add(one, feasible, sums, rated) }
        feasible.visitRuns { for node in $0 { sums[node] = Crowd.rounded(sums[node]) } }
    }

    /// Adds what one constraint makes of each Node.
    private func add(
        _ one: PodTopologySpread.Preferred, _ feasible: NodeSet, _ sums: UnsafeMutablePointer<Double>, _ rated: UnsafeMutablePointer<UInt8>
    ) {
        one.tally.region.topology.domains.withUnsafeBufferPointer { domains in
            var size = 0
            if one.perNode == nil {
                var seen = [Bool](repeating: false, count: one.tally.region.topology.count)
                // Nodes without the label are as one domain more.
                var lacks = false
                seen.withUnsafeMutableBufferPointer { seen in
                    feasible.visitRuns {
                        for node in $0 where rated[node] != 0 {
                            if domains[node] >= 0 { seen[Int(domains[node])] = true } else { lacks = true }
                        }
                    }
                }
                size = seen.count(where: \.self) + (lacks ? 1 : 0)
            } else {
                feasible.visitRuns { for node in $0 { size += Int(rated[node]) } }
            }
            let crowd = Crowd(one, size: size)
            crowd.places.withUnsafeBufferPointer { places in
                feasible.visitRuns {
                    for node in $0 where rated[node] != 0 && domains[node] >= 0 { sums[node] += crowd.value(Int(places[node])) }
                }
            }
        }
    }
}

/// How crowded the domains of one preferred constraint are.
private struct Crowd {
    let places: ContiguousArray<Int32>
    let counts: ContiguousArray<Int32>
    /// What a Pod counts for, and what is added to all of them.
    private let share: Double
    private let skew: Double

    /// - Parameter size: among how many domains Pods are spread.
    init(_ one: PodTopologySpread.Preferred, size: Int) {
        let counted = one.perNode ?? one.tally
        (places, counts) = (counted.region.topology.domains, counted.counts)
        share = log(Double(size + 2))
        skew = Double(one.constraint.maxSkew - 1)
    }

    /// Of a domain; none has fewer Pods than one of which nothing is known.
    func value(_ domain: Int) -> Double { domain >= 0 && domain < counts.count ? value(of: counts[domain]) : skew }
    func value(of count: Int32) -> Double { Double(count) * share + skew }
    var values: [Double] { counts.map { value(of: $0) } }

    /// To the next whole number, a half upwards; of a number that is not negative, and that is no more than 2^51.
    static func rounded(_ number: Double) -> Double {
        let near = (number + 0x1p52) - 0x1p52
        return number - near >= 0.5 ? near + 1 : near
    }

    /// Rounds all, and returns the least and the most of them. Four at once: one comparison need not wait for the last.
    static func round(_ sums: UnsafeMutablePointer<Double>, _ feasible: NodeSet) -> (least: Double, most: Double) {
        var (least, most) = (Double.infinity, 0.0)
        feasible.visitRuns { nodes in
            var lows = (Double.infinity, Double.infinity, Double.infinity, Double.infinity)
            var highs = (0.0, 0.0, 0.0, 0.0)
            var node = nodes.lowerBound
            while node + 4 <= nodes.upperBound {
                let four = (rounded(sums[node]), rounded(sums[node + 1]), rounded(sums[node + 2]), rounded(sums[node + 3]))
                (sums[node], sums[node + 1], sums[node + 2], sums[node + 3]) = four
                lows = (
                    four.0 < lows.0 ? four.0 : lows.0, four.1 < lows.1 ? four.1 : lows.1, four.2 < lows.2 ? four.2 : lows.2,
                    four.3 < lows.3 ? four.3 : lows.3
                )
                highs = (
                    four.0 > highs.0 ? four.0 : highs.0, four.1 > highs.1 ? four.1 : highs.1, four.2 > highs.2 ? four.2 : highs.2,
                    four.3 > highs.3 ? four.3 : highs.3
                )
                node += 4
            }
            while node < nodes.upperBound {
                sums[node] = rounded(sums[node])
                (least, most) = (min(least, sums[node]), max(most, sums[node]))
                node += 1
            }
            least = min(least, lows.0, lows.1, lows.2, lows.3)
            most = max(most, highs.0, highs.1, highs.2, highs.3)
        }
        return (least, most)
    }

    /// From 0 to 100, the more the less crowded. All of these are whole numbers: what is below their quotient as doubles is below it as whole numbers, too.
    static func points(_ sum: Double, _ least: Double, _ most: Double) -> Int32 {
        guard most > 0 else { return 100 }
        let points = 100 * (most + least - sum) / most
        // What is before the point, without a look at how large it is: a conversion would have to.
        let near = (points + 0x1p52) - 0x1p52
        return Int32(truncatingIfNeeded: ((near > points ? near - 1 : near) + 0x1p52).bitPattern)
    }
}

extension PodTopologySpread.Preferred {
    /// Writes how crowded it is on each Node, or adds that: for Nodes that all have the label.
    fileprivate func rate(_ feasible: NodeSet, _ sums: UnsafeMutablePointer<Double>, isFirst: Bool) {
        let crowd = Crowd(self, size: size(feasible))
        @inline(__always) func put(_ value: (Int) -> Double) {
            if isFirst {
                feasible.visitRuns { for node in $0 { sums[node] = value(node) } }
            } else {
                feasible.visitRuns { for node in $0 { sums[node] += value(node) } }
            }
        }
        guard perNode == nil else {
            // Each Node is the domain of its number.
            return crowd.counts.withUnsafeBufferPointer { counts in
                put { node in crowd.value(of: node < counts.count ? counts[node] : 0) }
            }
        }
        let values = crowd.values
        crowd.places.withUnsafeBufferPointer { places in
            values.withUnsafeBufferPointer { values in
                put { node in
                    let place = Int(places[node])
                    return place < values.count ? values[place] : crowd.value(of: 0)
                }
            }
        }
    }

    /// Among how many domains Pods are spread.
    private func size(_ feasible: NodeSet) -> Int {
        if perNode != nil { return (0..<(feasible.count + 63) >> 6).reduce(0) { $0 + feasible.words[$1].nonzeroBitCount } }
        let topology = tally.region.topology
        if let members = topology.members { return members.count(where: { $0.intersects(feasible) }) }
        var seen = [Bool](repeating: false, count: topology.count)
        topology.domains.withUnsafeBufferPointer { domains in
            seen.withUnsafeMutableBufferPointer { seen in feasible.visitRuns { for node in $0 { seen[Int(domains[node])] = true } } }
        }
        return seen.count(where: \.self)
    }
}
