internal import APIModel
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
