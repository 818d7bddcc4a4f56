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
    private struct Preferred {
        let constraint: Spread
        let tally: Tally
        /// Of single Nodes, whichever count: for a constraint on the hostname.
        let perNode: Tally?
    }

    private static let hostname = "kubernetes.io/hostname"

    private let required: [Required]
    private let preferred: [Preferred]

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
            let isHostname = nodes.text($0.topologyKey) == Self.hostname
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
        }
        let checks: [Check]

        func refusal(_ node: Int) -> Checks.Refusal? {
            for check in checks {
                guard let count = check.view.count(node) else { return .missingTopologyLabel }
                if Int64(count) + Int64(check.own) > check.most { return .spread }
            }
            return nil
        }
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

    /// 0 to 100 points for every Node of `feasible`; `nil` where no spread is preferred.
    func score(_ feasible: NodeSet) -> [Int32]? {
        guard !preferred.isEmpty else { return nil }
        let rated = rate(feasible)
        var (least, most) = (Int64.max, Int64(0))
        for node in feasible {
            guard let value = rated[node] else { continue }
            (least, most) = (min(least, value), max(most, value))
        }
        var points = [Int32](repeating: 0, count: feasible.count)
        for node in feasible {
            guard let value = rated[node] else { continue }
            points[node] = most == 0 ? 100 : Int32(100 * (most + least - value) / most)
        }
        return points
    }

    /// How crowded each Node's domains are; `nil` for a Node that lacks a label that a constraint asks for.
    private func rate(_ feasible: NodeSet) -> [Int64?] {
        let topologies = preferred.map { $0.tally.region.topology.domains }
        var rated = [Int64?](repeating: nil, count: feasible.count)
        var sums = [Double](repeating: 0, count: feasible.count)
        var isRated = [Bool](repeating: false, count: feasible.count)
        var ratedCount = 0
        let needsAll = !preferred.contains(where: \.constraint.isDefault)
        for node in feasible where !needsAll || topologies.allSatisfy({ $0[node] >= 0 }) {
            isRated[node] = true
            ratedCount += 1
        }
        for (constraint, domains) in zip(preferred, topologies) {
            var seen = [Bool](repeating: false, count: constraint.tally.region.topology.count)
            // Nodes without the label are as one domain more.
            var lacks = false
            if constraint.perNode == nil {
                for node in feasible where isRated[node] {
                    if domains[node] >= 0 { seen[Int(domains[node])] = true } else { lacks = true }
                }
            }
            let size = constraint.perNode == nil ? seen.count(where: \.self) + (lacks ? 1 : 0) : ratedCount
            let share = log(Double(size + 2))
            let view = (constraint.perNode ?? constraint.tally).view
            for node in feasible where isRated[node] && domains[node] >= 0 {
                sums[node] += Double(view.count(node) ?? 0) * share + Double(constraint.constraint.maxSkew - 1)
            }
        }
        for node in feasible where isRated[node] { rated[node] = Int64(sums[node].rounded()) }
        return rated
    }
}
