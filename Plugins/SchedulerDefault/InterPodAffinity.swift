internal import PluginKit

/// Pod affinity and anti-affinity: what the Pod asks of those that are there, and what they ask of it.
struct InterPodAffinity {
    /// What a Pod's required affinity of another counts for when Nodes are compared: upstream's `hardPodAffinityWeight`.
    private static let hardWeight: Int64 = 1

    /// Of every required term, the Pods that all of them mean.
    private let affinity: [Tally]
    /// The first of a group that wants to be together has nobody to be with.
    private let mayBeFirst: Bool
    private let antiAffinity: [Tally]
    /// Those whose own anti-affinity means the Pod.
    private let opponents: [Tally]
    private let preferences: [(tally: Tally, weight: Int64)]

    init(_ key: PodPlan.Key, _ surroundings: Surroundings, _ nodes: Nodes) {
        func meant(_ terms: [Term], _ term: Term) -> Tally {
            surroundings.tally(.meant(by: terms, in: Region.Key(topologyKey: term.topologyKey)), nodes)
        }
        affinity = key.affinity.map { meant(key.affinity, $0) }
        let labels = surroundings.namespaceLabels(nodes)
        mayBeFirst = key.affinity.allSatisfy { $0.matches(key.pod, labels) }
        antiAffinity = key.antiAffinity.map { meant([$0], $0) }
        var opponents: [Tally] = []
        var preferences = key.preferences.map { (tally: meant([$0.term], $0.term), weight: Int64($0.weight)) }
        for owned in surroundings.terms(meaning: key.pod, nodes) {
            switch owned.role {
            case .antiAffinity: opponents.append(owned.tally)
            case .affinity: preferences.append((owned.tally, Self.hardWeight))
            case .preference(let weight): preferences.append((owned.tally, Int64(weight)))
            }
        }
        (self.opponents, self.preferences) = (opponents, preferences)
    }

    /// What is asked of single Nodes, as Pods are counted now; `nil` for nothing.
    var filter: Filter? {
        let opponents = opponents.filter { $0.total > 0 }
        let antiAffinity = antiAffinity.filter { $0.total > 0 }
        guard !affinity.isEmpty || !antiAffinity.isEmpty || !opponents.isEmpty else { return nil }
        return Filter(
            affinity: affinity.map(\.view), needsCompany: !(mayBeFirst && affinity.allSatisfy { $0.total == 0 }),
            antiAffinity: antiAffinity.map(\.view), opponents: opponents.map(\.view))
    }

    struct Filter {
        let affinity: [Tally.View]
        let needsCompany: Bool
        let antiAffinity: [Tally.View]
        let opponents: [Tally.View]

        func refusal(_ node: Int) -> Checks.Refusal? {
            for term in affinity {
                guard let count = term.count(node), count > 0 || !needsCompany else { return .podAffinity }
            }
            for term in antiAffinity where term.count(node) ?? 0 > 0 { return .podAntiAffinity }
            for term in opponents where term.count(node) ?? 0 > 0 { return .existingAntiAffinity }
            return nil
        }
    }

    /// Adds `weight` times 0 to 100 points to every Node of `feasible`.
    func score(_ feasible: NodeSet, _ points: inout [Int64], weight: Int64) {
        let preferences = preferences.filter { $0.tally.total > 0 }
        guard !preferences.isEmpty else { return }
        var sums = [Int64](repeating: 0, count: feasible.count)
        for (tally, weight) in preferences {
            let view = tally.view
            for node in feasible { sums[node] += weight * Int64(view.count(node) ?? 0) }
        }
        var (least, most) = (Int64.max, Int64.min)
        for node in feasible { (least, most) = (min(least, sums[node]), max(most, sums[node])) }
        guard most > least else { return }
        for node in feasible { points[node] += weight * Int64(100 * (Double(sums[node] - least) / Double(most - least))) }
    }
}
