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

enum Terms {
    static func labels(_ start: UnsafePointer<apus_label>?, _ count: UInt32) -> [Label] {
        UnsafeBufferPointer(start: start, count: Int(count)).map { Label(key: $0.key, value: $0.value) }
    }

    static func read(_ start: UnsafePointer<apus_pod_term>?, _ count: UInt32) -> [(Term, Int32)] {
        UnsafeBufferPointer(start: start, count: Int(count)).map { (Term($0), $0.weight) }
    }
}
