internal import PluginAPI
internal import PluginKit

/// What counts for one Pod among the Pods that are there: found out once for all Pods that ask for the same, and good until Pods have a term
/// that none had before.
final class PodPlan {
    /// What a Pod asks of those around it.
    struct Key: Hashable {
        let pod: Identity
        let affinity: [Term]
        let antiAffinity: [Term]
        let preferences: [Preference]
        let spread: [Spread]

        init(_ pod: PodNeeds) {
            let raw = pod.raw.pointee
            self.pod = Identity(namespace: raw.namespace_string, Terms.labels(raw.labels, raw.label_count))
            affinity = pod.affinity.map(Term.init)
            antiAffinity = pod.antiAffinity.map(Term.init)
            preferences =
                pod.preferredAffinity.map { Preference(term: Term($0), weight: $0.weight) }
                + pod.preferredAntiAffinity.map { Preference(term: Term($0), weight: -$0.weight) }
            spread = Spread.all(of: pod)
        }
    }

    struct Preference: Hashable {
        let term: Term
        /// Negative for anti-affinity.
        let weight: Int32
    }

    let version: Int
    let interPodAffinity: InterPodAffinity
    let spread: PodTopologySpread

    init(_ key: Key, _ surroundings: Surroundings, _ nodes: Nodes, version: Int) {
        self.version = version
        interPodAffinity = InterPodAffinity(key, surroundings, nodes)
        spread = PodTopologySpread(key, surroundings, nodes)
    }
}

extension PodPlan {
    /// What a verdict on one Node, and its points, depend on beside that Node: they are as before while this is as it was.
    struct Standing {
        let generation: UInt64
        let version: Int
        /// `nil` where that is too much to say.
        let filter: [Int]?
        /// `nil` where Nodes are rated against one another; else, where an image's points depend on it, how many Nodes there are.
        let score: Int?

        func isSame(as other: Standing, _ answers: PolicyAnswers) -> Bool {
            generation == other.generation && version == other.version
                && (!answers.contains(.filter) || filter != nil && filter == other.filter)
                && (!answers.contains(.score) || score != nil && score == other.score)
        }
    }

    func standing(_ pod: PodNeeds, _ nodes: Nodes, _ profile: Profile, _ notes: NodeNotes, generation: UInt64) -> Standing {
        Standing(
            generation: generation, version: version, filter: spread.standing.map { interPodAffinity.standing + $0 },
            score: score(pod, nodes, profile, notes))
    }

    private func score(_ pod: PodNeeds, _ nodes: Nodes, _ profile: Profile, _ notes: NodeNotes) -> Int? {
        func counts(_ score: Profile.Score) -> Bool { profile.weights[score] != nil }
        if counts(.taintToleration) && notes.avoided > 0 { return nil }
        if counts(.nodeAffinity) && !pod.preferred.isEmpty { return nil }
        if counts(.podTopologySpread) && spread.isPreferred { return nil }
        if counts(.interPodAffinity) && !interPodAffinity.preferred(profile).isEmpty { return nil }
        let hasImages = counts(.imageLocality) && pod.images.contains { $0.node_count > 0 }
        return hasImages ? nodes.liveCount : 0
    }
}

enum Terms {
    static func labels(_ start: UnsafePointer<apus_label>?, _ count: UInt32) -> [Label] {
        UnsafeBufferPointer(start: start, count: Int(count)).map { Label(key: $0.key, value: $0.value) }
    }

    static func read(_ start: UnsafePointer<apus_pod_term>?, _ count: UInt32) -> [(Term, Int32)] {
        UnsafeBufferPointer(start: start, count: Int(count)).map { (Term($0), $0.weight) }
    }
}
