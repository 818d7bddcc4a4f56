internal import APIModel
internal import OrderedCollections
internal import Synchronization

/// How the Pods of one `spec.schedulerName` are decided: which plugins have a say, where, and what for.
public final class SchedulerProfile: Sendable {
    public let schedulerName: String
    /// Of upstream's plugins, those that filter.
    let filters: Set<String>
    /// Of upstream's plugins, those that give points, with what these count for.
    let scores: [String: Int]
    let arguments: PluginArguments
    /// After so many feasible Nodes, in percent of all, no more are looked for: `nil` looks at all of them, 0 at a share that is upstream's.
    let percentageOfNodesToScore: Int?
    /// Whether Pods of lower priority make room: DefaultPreemption.
    let preempts: Bool
    /// The policy that orders the queue; `nil` is upstream's PrioritySort.
    let queueSort: String?
    /// Whether a Pod with gates waits until they are gone: SchedulingGates.
    let heedsGates: Bool
    /// Whether a Pod's ResourceClaims get devices: DynamicResources.
    let allocatesDevices: Bool
    /// Whether an idle claim that keeps a Pod from every Node loses its devices.
    let deallocates: Bool
    /// What policies get of it, and a number that stands for it as long as the process lives.
    let json: [UInt8]
    let serial: UInt64
    private let sets: PluginSets
    /// Of policies that are no upstream's plugins, those that the configuration names: what they do, and what their points count for; zero
    /// is as their manifest says.
    private let named: [ExtensionPoint: [String: Int]]
    /// Where nobody is kept out.
    private let open: Set<ExtensionPoint>
    /// Policies that must be there, each with the words for one that is not.
    let wanted: [(name: String, problem: String)]

    /// As upstream's default profile.
    public static let standard = SchedulerProfile(
        schedulerName: defaultName, PluginSets(), PluginArguments(), percentage: nil, serial: 1,
        points: Dictionary(
            uniqueKeysWithValues: ExtensionPoint.allCases.map { point in
                let plugins = InTreePlugin.all.filter { $0.points.contains(point) }
                return (point, Dictionary(uniqueKeysWithValues: plugins.map { ($0.name, $0.weight) }))
            }))

    static let defaultName = "default-scheduler"
    /// The standard profile has the first.
    private static let lastSerial = Atomic<UInt64>(1)

    /// - Throws: `ConfigurationProblem` in upstream's words where the plugins do not go together.
    convenience init(schedulerName: String, _ sets: PluginSets, _ arguments: PluginArguments, percentage: Int?) throws {
        var points: [ExtensionPoint: [String: Int]] = [:]
        for point in ExtensionPoint.allCases {
            points[point] = Dictionary(uniqueKeysWithValues: try sets.plugins(at: point).map { ($0.name, $0.weight) })
        }
        try Self.check(points, schedulerName)
        let serial = Self.lastSerial.add(1, ordering: .relaxed).newValue
        self.init(schedulerName: schedulerName, sets, arguments, percentage: percentage, serial: serial, points: points)
    }

    private init(
        schedulerName: String, _ sets: PluginSets, _ arguments: PluginArguments, percentage: Int?, serial: UInt64,
        points: [ExtensionPoint: [String: Int]]
    ) {
        self.schedulerName = schedulerName
        self.sets = sets
        self.arguments = arguments
        self.serial = serial
        percentageOfNodesToScore = percentage
        let own: (ExtensionPoint) -> [String: Int] = { points[$0, default: [:]].filter { InTreePlugin.byName[$0.key] != nil } }
        filters = Set(own(.filter).keys)
        // No weight at all is one of 1.
        scores = own(.score).mapValues { max(1, $0) }
        preempts = points[.postFilter]?["DefaultPreemption"] != nil
        queueSort = points[.queueSort]?.keys.first { InTreePlugin.byName[$0] == nil }
        deallocates = points[.postFilter]?[PodDevices.name] != nil
        allocatesDevices = filters.contains(PodDevices.name)
        heedsGates = points[.preEnqueue]?["SchedulingGates"] != nil
        named = points.mapValues { $0.filter { InTreePlugin.byName[$0.key] == nil } }
        open = Set(ExtensionPoint.allCases.filter(sets.letsEverybodyIn))
        wanted = sets.foreign.map { name in
            let point = ExtensionPoint.allCases.first { points[$0]?[name] != nil } ?? .preFilter
            return (name, "\(point.pluginType) \(FieldError.quoted(name)) does not exist")
        }
        json = JSON.encode([
            "filter": Value(filters.sorted()),
            "score": .object(.init(uniqueKeysWithValues: scores.sorted { $0.key < $1.key }.map { ($0.key, Value($0.value)) })),
            "fit": arguments.fit.value, "balanced": Value(arguments.balanced),
            "hardPodAffinityWeight": Value(arguments.hardPodAffinityWeight),
            "ignorePreferredTermsOfExistingPods": .bool(arguments.ignorePreferredTermsOfExistingPods),
        ])
    }

    /// What all scores together may count for: a Node's points have room in a number of 32 bits.
    private static let mostWeight = Int(Int32.max) / 100

    /// Whether a policy has a say at a point.
    func asks(_ policy: String, at point: ExtensionPoint) -> Bool {
        open.contains(point) || named[point]?[policy] != nil || sets.letsIn(policy, at: point)
    }

    /// What a policy's points are multiplied by; `nil` is as its manifest says.
    func weight(of policy: String) -> Int? { named[.score]?[policy].flatMap { $0 == 0 ? nil : $0 } }

    /// After how many feasible Nodes of `count` no more are looked for.
    func enough(of count: Int) -> Int {
        guard let percentageOfNodesToScore, count >= Self.leastFeasible else { return count }
        let share = percentageOfNodesToScore == 0 ? max(50 - count / 125, 5) : percentageOfNodesToScore
        return max(count * share / 100, Self.leastFeasible)
    }

    /// With fewer Nodes than this all are looked at.
    private static let leastFeasible = 100

    private static func check(_ points: [ExtensionPoint: [String: Int]], _ name: String) throws {
        let quoted = FieldError.quoted(name)
        func has(_ plugin: String, _ point: ExtensionPoint) -> Bool { points[point]?[plugin] != nil }
        let sorts = points[.queueSort]?.count ?? 0
        guard sorts == 1 else {
            throw ConfigurationProblem("only one queue sort plugin required for profile with scheduler name \(quoted), but got \(sorts)")
        }
        guard points[.bind]?.isEmpty == false else {
            throw ConfigurationProblem("at least one bind plugin is needed for profile with scheduler name \(quoted)")
        }
        var sum = 0
        for weight in (points[.score] ?? [:]).values {
            guard weight <= mostWeight - sum else {
                throw ConfigurationProblem("score plugins: total score of Score plugins could overflow")
            }
            sum += max(1, weight)
        }
        for plugin in InTreePlugin.all {
            for (before, point) in InTreePlugin.preparations
            where plugin.points.contains(before) && has(plugin.name, point) && !has(plugin.name, before) {
                throw ConfigurationProblem("\(plugin.name) cannot be on at \(point.rawValue) and off at \(before.rawValue) here")
            }
        }
        let binds: [ExtensionPoint] = [.filter, .reserve, .preBind]
        for plugin in ["VolumeBinding", PodDevices.name] where Set(binds.map { has(plugin, $0) }).count != 1 {
            throw ConfigurationProblem("\(plugin) is on at filter, reserve and preBind together, or at none of them, here")
        }
    }
}
