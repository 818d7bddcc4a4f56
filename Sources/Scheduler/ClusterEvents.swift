internal import PluginAPI

/// What may happen to the cluster that lets a waiting Pod run.
struct ClusterEvents: OptionSet, Hashable {
    let rawValue: Int32

    static let nodeAdded = ClusterEvents(rawValue: APUS_EVENT_NODE_ADDED)
    static let nodeRemoved = ClusterEvents(rawValue: APUS_EVENT_NODE_REMOVED)
    static let nodeLabels = ClusterEvents(rawValue: APUS_EVENT_NODE_LABELS)
    static let nodeTaints = ClusterEvents(rawValue: APUS_EVENT_NODE_TAINTS)
    static let nodeAllocatable = ClusterEvents(rawValue: APUS_EVENT_NODE_ALLOCATABLE)
    static let podAdded = ClusterEvents(rawValue: APUS_EVENT_POD_ADDED)
    static let podRemoved = ClusterEvents(rawValue: APUS_EVENT_POD_REMOVED)
    static let namespace = ClusterEvents(rawValue: APUS_EVENT_NAMESPACE)
    static let volume = ClusterEvents(rawValue: APUS_EVENT_VOLUME)
    static let volumeLimits = ClusterEvents(rawValue: APUS_EVENT_VOLUME_LIMITS)
    static let observed = ClusterEvents(rawValue: APUS_EVENT_OBSERVED)
    static let nodeFeatures = ClusterEvents(rawValue: APUS_EVENT_NODE_FEATURES)
    /// There may be devices for claims that had none. Nobody but the scheduler itself says it.
    static let devices = ClusterEvents(rawValue: 1 << 30)
    static let all = ClusterEvents(rawValue: -1)

    /// As a policy says it: no hint stands for every event.
    init(hints: Int32) { rawValue = hints == 0 ? -1 : hints }
    init(rawValue: Int32) { self.rawValue = rawValue }

    /// In upstream's words, for figures: of several the first.
    var label: String { Self.labels.first { contains($0.event) }?.label ?? "Unknown" }

    private static let labels: [(event: ClusterEvents, label: String)] = [
        (.nodeAdded, "NodeAdd"), (.nodeRemoved, "NodeDelete"), (.nodeLabels, "NodeUpdateNodeLabel"), (.nodeTaints, "NodeUpdateNodeTaint"),
        (.nodeAllocatable, "NodeUpdateNodeAllocatable"), (.nodeFeatures, "NodeUpdateNodeDeclaredFeature"), (.podAdded, "AssignedPodAdd"),
        (.podRemoved, "AssignedPodDelete"), (.namespace, "NamespaceUpdate"), (.volume, "PersistentVolumeClaimUpdate"),
        (.volumeLimits, "CSINodeUpdate"), (.devices, "ResourceClaimUpdate"), (.observed, "ObservedUpdate"),
    ]
}
