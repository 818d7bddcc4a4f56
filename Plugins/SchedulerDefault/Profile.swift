internal import APIModel
internal import PluginAPI
internal import PluginKit

/// What the scheduler's configuration says of a profile, as far as it is done here.
final class Profile: Sendable {
    /// Upstream's plugins that filter.
    enum Filter: String, CaseIterable {
        case nodeUnschedulable = "NodeUnschedulable"
        case nodeName = "NodeName"
        case taintToleration = "TaintToleration"
        case nodeAffinity = "NodeAffinity"
        case nodePorts = "NodePorts"
        case nodeResourcesFit = "NodeResourcesFit"
        case volumeRestrictions = "VolumeRestrictions"
        case nodeVolumeLimits = "NodeVolumeLimits"
        case volumeBinding = "VolumeBinding"
        case volumeZone = "VolumeZone"
        case podTopologySpread = "PodTopologySpread"
        case interPodAffinity = "InterPodAffinity"
        case nodeDeclaredFeatures = "NodeDeclaredFeatures"
    }
    /// Upstream's plugins that give points, in upstream's order.
    enum Score: String, CaseIterable {
        case taintToleration = "TaintToleration"
        case nodeAffinity = "NodeAffinity"
        case nodeResourcesFit = "NodeResourcesFit"
        case podTopologySpread = "PodTopologySpread"
        case interPodAffinity = "InterPodAffinity"
        case balancedAllocation = "NodeResourcesBalancedAllocation"
        case imageLocality = "ImageLocality"
    }

    private let filters: Set<Filter>
    /// What the points of a score are multiplied by; a score that is not here is not asked.
    let weights: [Score: Int32]
    let fit: FitRules
    /// The resources that are to be used evenly.
    let balanced: [String]
    /// What a Pod's required affinity of another counts for when Nodes are compared.
    let hardPodAffinityWeight: Int64
    /// Whether only Pods with preferred terms of their own are compared by those of others.
    let ignoresPreferencesOfOthers: Bool

    /// Upstream's default profile.
    static let standard = Profile(.emptyObject)

    private static let usualWeights: [Score: Int32] = [
        .taintToleration: 3, .nodeAffinity: 2, .nodeResourcesFit: 1, .podTopologySpread: 2, .interPodAffinity: 2, .balancedAllocation: 1,
        .imageLocality: 1,
    ]

    init(_ value: Value) {
        let names = value["filter"]
        filters = names.isNull ? Set(Filter.allCases) : Set(names.elements.compactMap { Filter(rawValue: $0.string ?? "") })
        if value["score"].isNull {
            weights = Self.usualWeights
        } else {
            var weights: [Score: Int32] = [:]
            for score in Score.allCases {
                if let weight = value["score"][score.rawValue].int { weights[score] = Int32(weight) }
            }
            self.weights = weights
        }
        fit = FitRules(value["fit"])
        balanced = value["balanced"].isNull ? ["cpu", "memory"] : value["balanced"].elements.compactMap(\.string)
        hardPodAffinityWeight = (value["hardPodAffinityWeight"].int ?? 1).int64
        ignoresPreferencesOfOthers = value["ignorePreferredTermsOfExistingPods"].bool ?? false
    }

    func has(_ filter: Filter) -> Bool { filters.contains(filter) }
}

/// The profiles of the Pods that came, each read once. One caller at a time.
struct Profiles {
    private var bySerial: [UInt64: Profile] = [:]

    /// More than this are not at work at once.
    private static let most = 256

    mutating func profile(of pod: PodNeeds) -> Profile {
        let raw = pod.raw.pointee
        guard raw.profile.count > 0 else { return .standard }
        if let known = bySerial[raw.profile_serial] { return known }
        if bySerial.count >= Self.most { bySerial = [:] }
        let profile = (try? JSON.decode(Array(raw.profile.string.utf8))).map(Profile.init) ?? .standard
        bySerial[raw.profile_serial] = profile
        return profile
    }
}
