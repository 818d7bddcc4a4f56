internal import PluginAPI
internal import PluginKit

/// Where the Pod's volumes let it run.
struct VolumeRules {
    private let rules: [(refusal: Checks.Refusal, terms: [NodeTerm])]

    private static let refusals: [Int32: Checks.Refusal] = [
        APUS_VOLUME_BOUND: .volumeAffinity, APUS_VOLUME_ZONE: .volumeZone, APUS_VOLUME_UNBOUND: .noVolume,
        APUS_VOLUME_MISSING: .volumeMissing, APUS_VOLUME_IN_USE: .volumeInUse,
    ]

    init(_ pod: PodNeeds) {
        rules = pod.volumeRules.map { rule in
            let terms = UnsafeBufferPointer(start: rule.terms, count: Int(rule.term_count)).map(NodeTerm.init)
            return (Self.refusals[rule.kind] ?? .volumeMissing, terms)
        }.sorted { $0.0.rawValue < $1.0.rawValue }
    }

    func refusal(_ node: Int, _ nodes: Nodes) -> Checks.Refusal? {
        for (refusal, terms) in rules where !terms.contains(where: { $0.matches(node, nodes) }) { return refusal }
        return nil
    }
}
