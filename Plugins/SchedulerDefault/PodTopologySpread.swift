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
        let (nodesIn, counts) = (check.tally.region.nodesIn, check.tally.counts)
        var (domains, least) = (Int32(0), Int32.max)
        for domain in nodesIn.indices where nodesIn[domain] > 0 {
            domains += 1
            least = min(least, domain < counts.count ? counts[domain] : 0)
        }
        return domains < check.constraint.minDomains ? 0 : least
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
        let (sums, rated, points) = (
            sums.grown(to: feasible.count), rated.grown(to: feasible.count), points.grown(to: feasible.count)
        )
        rate(spread.preferred, feasible, sums, rated)
        var (least, most) = (Double.infinity, 0.0)
        feasible.visitRuns {
            for node in $0 where rated[node] != 0 { (least, most) = (min(least, sums[node]), max(most, sums[node])) }
        }
        // All of these are whole numbers: what is below their quotient as doubles is below it as whole numbers, too.
        feasible.visitRuns {
            for node in $0 { points[node] = rated[node] == 0 ? 0 : most == 0 ? 100 : Int32(100 * (most + least - sums[node]) / most) }
        }
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
        feasible.visitRuns { for node in $0 { sums[node] = Self.rounded(sums[node]) } }
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
            let share = log(Double(size + 2))
            let skew = Double(one.constraint.maxSkew - 1)
            let counted = one.perNode ?? one.tally
            let values = counted.counts.map { Double($0) * share + skew }
            values.withUnsafeBufferPointer { values in
                counted.region.topology.domains.withUnsafeBufferPointer { places in
                    feasible.visitRuns {
                        for node in $0 where rated[node] != 0 && domains[node] >= 0 {
                            let place = UInt32(bitPattern: places[node])
                            sums[node] += place < UInt32(values.count) ? values[Int(place)] : skew
                        }
                    }
                }
            }
        }
    }

    /// To the next whole number, a half upwards; of a number that is not negative.
    private static func rounded(_ number: Double) -> Double {
        let below = Double(Int64(number))
        return number - below >= 0.5 ? below + 1 : below
    }
}
