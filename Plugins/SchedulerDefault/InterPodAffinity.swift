internal import PluginKit

/// Pod affinity and anti-affinity: what the Pod asks of those that are there, and what they ask of it.
struct InterPodAffinity {
    /// Of every required term, the Pods that all of them mean.
    private let affinity: [Tally]
    /// The first of a group that wants to be together has nobody to be with.
    private let mayBeFirst: Bool
    private let antiAffinity: [Tally]
    /// Those whose own anti-affinity means the Pod.
    private let opponents: [Tally]
    private let preferences: [(tally: Tally, weight: Int64)]
    /// Those whose own terms mean the Pod: by their preferences, and by what they ask for.
    private let preferencesOfOthers: [(tally: Tally, weight: Int64)]
    private let required: [Tally]

    init(_ key: PodPlan.Key, _ surroundings: Surroundings, _ nodes: Nodes) {
        func meant(_ terms: [Term], _ term: Term) -> Tally {
            surroundings.tally(.meant(by: terms, in: Region.Key(topologyKey: term.topologyKey)), nodes)
        }
        affinity = key.affinity.map { meant(key.affinity, $0) }
        let labels = surroundings.namespaceLabels(nodes)
        mayBeFirst = key.affinity.allSatisfy { $0.matches(key.pod, labels) }
        antiAffinity = key.antiAffinity.map { meant([$0], $0) }
        var opponents: [Tally] = []
        preferences = key.preferences.map { (tally: meant([$0.term], $0.term), weight: Int64($0.weight)) }
        var (ofOthers, required): ([(tally: Tally, weight: Int64)], [Tally]) = ([], [])
        for owned in surroundings.terms(meaning: key.pod, nodes) {
            switch owned.role {
            case .antiAffinity: opponents.append(owned.tally)
            case .affinity: required.append(owned.tally)
            case .preference(let weight): ofOthers.append((owned.tally, Int64(weight)))
            }
        }
        (self.opponents, preferencesOfOthers, self.required) = (opponents, ofOthers, required)
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

    /// 0 to 100 points for every Node of `feasible`; `nil` where nobody prefers anything.
    func score(_ feasible: NodeSet, _ profile: Profile) -> [Int32]? {
        if profile.ignoresPreferencesOfOthers && preferences.isEmpty { return nil }
        let hard = profile.hardPodAffinityWeight == 0 ? [] : required.map { (tally: $0, weight: profile.hardPodAffinityWeight) }
        let preferences = (preferences + preferencesOfOthers + hard).filter { $0.tally.total > 0 }
        guard !preferences.isEmpty else { return nil }
        var sums = [Int64](repeating: 0, count: feasible.count)
        for (tally, weight) in preferences {
            let view = tally.view
            for node in feasible { sums[node] += weight * Int64(view.count(node) ?? 0) }
        }
        var (least, most) = (Int64.max, Int64.min)
        for node in feasible { (least, most) = (min(least, sums[node]), max(most, sums[node])) }
        var points = [Int32](repeating: 0, count: feasible.count)
        guard most > least else { return points }
        for node in feasible { points[node] = Int32(100 * (Double(sums[node] - least) / Double(most - least))) }
        return points
    }
}
