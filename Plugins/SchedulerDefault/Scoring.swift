internal import PluginAPI
internal import PluginKit

/// Upstream's scores, each from 0 to 100, those that the Pod's profile asks for. Keeps its columns between calls; one caller at a time.
final class Scoring {
    /// The points of one score.
    struct Part {
        let score: Profile.Score
        let weight: Int32
        /// By Node, until the next call; those of Nodes that are not feasible mean nothing.
        let points: UnsafePointer<Int32>
        /// What every Node is given, where that is the same.
        var constant: Int32?
    }

    private let taints = NodeColumn<Int32>(0)
    private let affinity = NodeColumn<Int32>(0)
    /// Where no Node is avoided.
    private let all = NodeColumn<Int32>(100)
    private let spread = SpreadScore()
    private let interPodAffinity = InterPodScore()

    /// One for each score that tells Nodes apart.
    func parts(_ pod: PodNeeds, _ nodes: Nodes, _ plan: PodPlan, _ profile: Profile, _ notes: NodeNotes, _ feasible: NodeSet) -> [Part] {
        Profile.Score.allCases.compactMap { score in
            guard let weight = profile.weights[score] else { return nil }
            let points: UnsafePointer<Int32>? =
                switch score {
                case .taintToleration: avoiding(notes, feasible)
                case .nodeAffinity: pod.preferred.isEmpty ? nil : preferring(notes, feasible)
                case .nodeResourcesFit: UnsafePointer(notes.fit.pointer)
                case .podTopologySpread: spread.points(plan.spread, feasible)
                case .interPodAffinity: interPodAffinity.points(plan.interPodAffinity, profile, feasible)
                case .balancedAllocation: notes.isBalanced ? UnsafePointer(notes.balanced.pointer) : nil
                case .imageLocality: pod.images.allSatisfy { $0.node_count == 0 } ? nil : UnsafePointer(notes.images.pointer)
                }
            return points.map { Part(score: score, weight: weight, points: $0, constant: $0 == UnsafePointer(all.pointer) ? 100 : nil) }
        }
    }

    /// Writes the sum of all parts for every Node of `feasible`.
    static func add(_ parts: [Part], _ feasible: NodeSet, into points: UnsafeMutablePointer<Int32>) {
        let constant = parts.reduce(Int32(0)) { $0 &+ ($1.constant ?? 0) &* $1.weight }
        feasible.visitRuns { for node in $0 { points[node] = constant } }
        for part in parts where part.constant == nil {
            let (weight, own) = (part.weight, part.points)
            if weight == 1 {
                feasible.visitRuns { for node in $0 { points[node] &+= own[node] } }
            } else {
                feasible.visitRuns { for node in $0 { points[node] &+= weight &* own[node] } }
            }
        }
    }

    /// Rated against the Node that is avoided most.
    private func avoiding(_ notes: NodeNotes, _ feasible: NodeSet) -> UnsafePointer<Int32> {
        guard notes.avoided > 0 else { return UnsafePointer(all.grown(to: feasible.count)) }
        let (counts, points) = (notes.avoidance.pointer, taints.grown(to: feasible.count))
        var most: Int32 = 0
        feasible.visitRuns { for node in $0 { most = max(most, counts[node]) } }
        feasible.visitRuns { for node in $0 { points[node] = most > 0 ? 100 - counts[node] * 100 / most : 100 } }
        return UnsafePointer(points)
    }

    /// Rated against the Node that is liked most.
    private func preferring(_ notes: NodeNotes, _ feasible: NodeSet) -> UnsafePointer<Int32> {
        let (sums, points) = (notes.preference.pointer, affinity.grown(to: feasible.count))
        var most: Int32 = 0
        feasible.visitRuns { for node in $0 { most = max(most, sums[node]) } }
        feasible.visitRuns { for node in $0 { points[node] = most > 0 ? max(0, sums[node] * 100 / most) : sums[node] } }
        return UnsafePointer(points)
    }
}
