public import APIModel

/// Which pods end one after the other when the machine goes down, and how long each lot gets. Upstream: `nodeshutdown`'s `groupByPriority`.
public struct ShutdownPlan: Equatable, Sendable {
    /// Pods of that priority and above, up to that of the next.
    public struct Group: Equatable, Sendable {
        public var priority: Whole
        public var seconds: Whole

        public init(priority: Whole, seconds: Whole) { (self.priority, self.seconds) = (priority, seconds) }
    }

    /// Lowest first.
    let groups: [Group]

    init(_ groups: [Group]) { self.groups = groups.sorted { $0.priority < $1.priority } }

    init(_ configuration: KubeletConfiguration) {
        let (all, critical) = (configuration.shutdownGracePeriod, configuration.shutdownGracePeriodCriticalPods)
        let two = [Group(priority: 0, seconds: all - critical), Group(priority: 2_000_000_000, seconds: critical)]
        self.init(configuration.shutdownGroups.isEmpty ? all > 0 ? two : [] : configuration.shutdownGroups)
    }

    var isEmpty: Bool { groups.isEmpty }
    /// How long it takes at most, in seconds.
    var seconds: Whole { groups.reduce(0) { $0 + $1.seconds } }

    /// The group of a pod; below the lowest is the lowest.
    func index(of pod: Pod) -> Int {
        let priority = pod.spec["priority"].int ?? 0
        return max((groups.firstIndex { $0.priority > priority } ?? groups.count) - 1, 0)
    }
}
