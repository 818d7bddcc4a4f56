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

        /// Clears every Node that `refusal` has something against.
        func filter(_ feasible: NodeSet) {
            for term in affinity { term.remove(from: feasible, lacking: true) { $0 <= 0 && needsCompany } }
            for term in antiAffinity + opponents { term.remove(from: feasible, lacking: false) { $0 > 0 } }
        }
    }

    /// The tallies that give points, with what a Pod of each counts for; none where nobody prefers anything.
    func preferred(_ profile: Profile) -> [(tally: Tally, weight: Int64)] {
        if profile.ignoresPreferencesOfOthers && preferences.isEmpty { return [] }
        let hard = profile.hardPodAffinityWeight == 0 ? [] : required.map { (tally: $0, weight: profile.hardPodAffinityWeight) }
        return (preferences + preferencesOfOthers + hard).filter { $0.tally.total > 0 }
    }

    /// What the filter depends on beside what Pods do to the Nodes that they are on: it answers as before while this is as it was.
    var standing: [Int] {
        let tallies = affinity + antiAffinity + opponents
        return [mayBeFirst && affinity.allSatisfy { $0.total == 0 } ? 1 : 0]
            + tallies.filter(\.region.topology.isShared).map(\.turns)
    }
}

/// The points of pod affinity. Keeps its columns between calls.
final class InterPodScore {
    private let sums = NodeColumn<Int64>(0)
    private let points = NodeColumn<Int32>(0)

    /// 0 to 100 points for every Node of `feasible`; `nil` where nobody prefers anything.
    func points(_ affinity: InterPodAffinity, _ profile: Profile, _ feasible: NodeSet) -> UnsafePointer<Int32>? {
        let preferred = affinity.preferred(profile)
        guard !preferred.isEmpty else { return nil }
        let points = points.grown(to: feasible.count)
        let topology = preferred[0].tally.region.topology
        if let members = topology.members, preferred.allSatisfy({ $0.tally.region.topology === topology }) {
            let values = Self.values(preferred, members, topology.homeless, feasible)
            topology.domains.withUnsafeBufferPointer { domains in
                values.withUnsafeBufferPointer { values in
                    feasible.visitRuns { for node in $0 { points[node] = values[Int(domains[node]) + 1] } }
                }
            }
            return UnsafePointer(points)
        }
        let sums = sums.grown(to: feasible.count)
        feasible.visitRuns { for node in $0 { sums[node] = 0 } }
        for (tally, weight) in preferred {
            tally.region.topology.domains.withUnsafeBufferPointer { domains in
                tally.counts.withUnsafeBufferPointer { counts in
                    feasible.visitRuns {
                        for node in $0 where UInt32(bitPattern: domains[node]) < UInt32(counts.count) {
                            sums[node] &+= weight &* Int64(counts[Int(domains[node])])
                        }
                    }
                }
            }
        }
        var (least, most) = (Int64.max, Int64.min)
        feasible.visitRuns { for node in $0 { (least, most) = (min(least, sums[node]), max(most, sums[node])) } }
        guard most > least else {
            feasible.visitRuns { for node in $0 { points[node] = 0 } }
            return UnsafePointer(points)
        }
        let span = Double(most - least)
        feasible.visitRuns { for node in $0 { points[node] = Int32(100 * (Double(sums[node] - least) / span)) } }
        return UnsafePointer(points)
    }

    /// The points of the Nodes in no domain, and of those in each: for terms about the same few domains.
    private static func values(
        _ preferred: [(tally: Tally, weight: Int64)], _ members: ContiguousArray<NodeWords>, _ homeless: NodeWords, _ feasible: NodeSet
    ) -> [Int32] {
        var sums = [Int64](repeating: 0, count: members.count + 1)
        for (tally, weight) in preferred {
            for domain in 0..<min(tally.counts.count, members.count) { sums[domain + 1] &+= weight &* Int64(tally.counts[domain]) }
        }
        let there = sums.indices.filter { ($0 == 0 ? homeless : members[$0 - 1]).intersects(feasible) }
        let (least, most) = (there.map { sums[$0] }.min() ?? 0, there.map { sums[$0] }.max() ?? 0)
        var values = [Int32](repeating: 0, count: sums.count)
        guard most > least else { return values }
        let span = Double(most - least)
        for place in there { values[place] = Int32(100 * (Double(sums[place] - least) / span)) }
        return values
    }
}
