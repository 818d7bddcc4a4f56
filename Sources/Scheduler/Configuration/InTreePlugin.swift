/// A plugin of upstream's scheduler, by its name there. What they do is done by one policy, and by the loop itself.
struct InTreePlugin: Sendable {
    let name: String
    let points: Set<ExtensionPoint>
    /// What its points count for unless the configuration says otherwise.
    var weight = 1
    /// Whether upstream's has arguments.
    var hasArguments = false

    /// In the order of upstream's default profile.
    static let all: [InTreePlugin] = [
        InTreePlugin(name: "SchedulingGates", points: [.preEnqueue]),
        InTreePlugin(name: "PrioritySort", points: [.queueSort]),
        InTreePlugin(name: "NodeUnschedulable", points: [.filter]),
        InTreePlugin(name: "NodeName", points: [.filter]),
        InTreePlugin(name: "TaintToleration", points: [.filter, .preScore, .score], weight: 3),
        InTreePlugin(name: "NodeAffinity", points: filtersAndScores, weight: 2, hasArguments: true),
        InTreePlugin(name: "NodePorts", points: filters),
        InTreePlugin(name: "NodeResourcesFit", points: filtersAndScores, hasArguments: true),
        InTreePlugin(name: "VolumeRestrictions", points: filters),
        InTreePlugin(name: "NodeVolumeLimits", points: filters),
        InTreePlugin(
            name: "VolumeBinding", points: filtersAndScores.union([.reserve, .preBind]), hasArguments: true),
        InTreePlugin(name: "VolumeZone", points: filters),
        InTreePlugin(name: "PodTopologySpread", points: filtersAndScores, weight: 2, hasArguments: true),
        InTreePlugin(name: "InterPodAffinity", points: filtersAndScores, weight: 2, hasArguments: true),
        InTreePlugin(
            name: PodDevices.name, points: filters.union([.preEnqueue, .postFilter, .score, .reserve, .preBind]), weight: 2,
            hasArguments: true),
        InTreePlugin(name: "DefaultPreemption", points: [.preEnqueue, .postFilter], hasArguments: true),
        InTreePlugin(name: "NodeResourcesBalancedAllocation", points: [.preScore, .score], hasArguments: true),
        InTreePlugin(name: "ImageLocality", points: [.score]),
        InTreePlugin(name: "DefaultBinder", points: [.bind]),
        InTreePlugin(name: "NodeDeclaredFeatures", points: filters),
    ]

    /// The policy that does what they do, as far as the loop does not.
    static let policy = "scheduler-default"

    private static let filters: Set<ExtensionPoint> = [.preFilter, .filter]
    private static let filtersAndScores: Set<ExtensionPoint> = [.preFilter, .filter, .preScore, .score]

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Those that upstream has taken out, and the version of the configuration that did not know them any more.
    static let removed: Set = ["AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"]

    /// Where one of two points does the work and the other prepares it.
    static let preparations: [(before: ExtensionPoint, point: ExtensionPoint)] = [
        (.preFilter, .filter), (.preScore, .score),
    ]
}
