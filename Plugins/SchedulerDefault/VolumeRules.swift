internal import PluginAPI
internal import PluginKit

/// Where the Pod's volumes let it run.
struct VolumeRules {
    private let rules: [(refusal: Checks.Refusal, terms: [NodeTerm])]

    private static let refusals: [Int32: (filter: Profile.Filter, refusal: Checks.Refusal)] = [
        APUS_VOLUME_BOUND: (.volumeBinding, .volumeAffinity), APUS_VOLUME_ZONE: (.volumeZone, .volumeZone),
        APUS_VOLUME_UNBOUND: (.volumeBinding, .noVolume), APUS_VOLUME_MISSING: (.volumeBinding, .volumeMissing),
        APUS_VOLUME_SPACE: (.volumeBinding, .noSpace),
        APUS_VOLUME_IN_USE: (.volumeRestrictions, .volumeInUse), APUS_VOLUME_DISK: (.volumeRestrictions, .diskConflict),
    ]

    init(_ pod: PodNeeds, _ profile: Profile) {
        rules = pod.volumeRules.compactMap { rule in
            let (filter, refusal) = Self.refusals[rule.kind] ?? (.volumeBinding, .volumeMissing)
            let terms = UnsafeBufferPointer(start: rule.terms, count: Int(rule.term_count)).map(NodeTerm.init)
            return profile.has(filter) ? (refusal, terms) : nil
        }.sorted { $0.0.rawValue < $1.0.rawValue }
    }

    var isEmpty: Bool { rules.isEmpty }

    func refusal(_ node: Int, _ nodes: Nodes) -> Checks.Refusal? {
        for (refusal, terms) in rules where !terms.contains(where: { $0.matches(node, nodes) }) { return refusal }
        return nil
    }
}
