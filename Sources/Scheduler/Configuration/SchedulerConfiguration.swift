internal import APIModel

/// What a file of upstream's kind KubeSchedulerConfiguration tells the scheduler.
public struct SchedulerConfiguration: Sendable {
    public private(set) var profiles: [SchedulerProfile] = [.standard]
    /// How long a Pod for which no Node was found waits at least before it is tried again, the first time and at most, in milliseconds.
    private(set) var initialBackoff: Int64 = 1000
    private(set) var mostBackoff: Int64 = 10_000
    /// How the API is found, where the command line does not say.
    public private(set) var kubeconfig: String?
    /// Whether one of several takes the lead before it works; `nil` where the file does not say.
    public private(set) var leaderElect: Bool?

    /// Upstream's defaults.
    public init() {}

    /// - Throws: `ConfigurationProblem`: text that is no such object, fields that nobody knows, values that do not do, in upstream's words, and
    ///   by name what is upstream's and is not here.
    public init(_ text: String) throws {
        try ConfigurationFile.read(text, kind: "KubeSchedulerConfiguration", versions: ["kubescheduler.config.k8s.io/v1"]) { file in
            var errors: [FieldError] = []
            try readRest(file, &errors)
            let percentage = try Self.percentage(file, &errors)
            let drafts = try readProfiles(file, percentage, &errors)
            guard errors.isEmpty else {
                let words = errors.map(\.message)
                throw ConfigurationProblem(words.count == 1 ? words[0] : "[\(words.joined(separator: ", "))]")
            }
            profiles = try drafts.map { draft in
                do {
                    return try SchedulerProfile(
                        schedulerName: draft.name, draft.sets, draft.arguments, percentage: draft.percentage)
                } catch let problem as ConfigurationProblem {
                    throw ConfigurationProblem("creating profile for scheduler name \(draft.name): \(problem)")
                }
            }
        }
    }

    private mutating func readRest(_ file: ConfigurationFields, _ errors: inout [FieldError]) throws {
        for (name, why) in Self.absent where !file.value(name).isNull { throw file.problem(name, why) }
        for name in ["enableProfiling", "enableContentionProfiling"] where try file.bool(name) == true {
            throw file.problem(name, "there is no profiling here")
        }
        _ = try file.object("clientConnection") { connection in kubeconfig = try connection.string("kubeconfig") }
        _ = try file.object("leaderElection") { election in
            leaderElect = try election.bool("leaderElect")
            let lock = try election.string("resourceLock") ?? "leases"
            if leaderElect != false, lock != "leases" {
                let path = FieldPath(election.place("resourceLock"))
                errors.append(.invalid(path, .string(lock), "resourceLock value must be \"leases\""))
            }
        }
        let initial = try file.whole("podInitialBackoffSeconds") ?? 1
        let most = try file.whole("podMaxBackoffSeconds") ?? 10
        if initial <= 0 { errors.append(.invalid("podInitialBackoffSeconds", .int(initial), "must be greater than 0")) }
        if most < initial {
            errors.append(.invalid("podMaxBackoffSeconds", .int(most), "must be greater than or equal to PodInitialBackoffSeconds"))
        }
        initialBackoff = (min(initial, Value.longestSpan) * 1000).int64
        mostBackoff = (min(most, Value.longestSpan) * 1000).int64
    }

    /// What upstream knows, and why it is not here.
    private static let absent = [
        ("parallelism", "one thread decides here, about all nodes at once"),
        ("extenders", "there are no extenders here: a scheduler policy takes their place"),
        ("delayCacheUntilActive", "the cache is filled from the start here"),
    ]

    private static func percentage(_ fields: ConfigurationFields, _ errors: inout [FieldError]) throws -> Int? {
        try fields.number("percentageOfNodesToScore", in: 0...100, "not in valid range [0-100]", &errors)
    }

    private struct Draft {
        var name: String
        var sets: PluginSets
        var arguments: PluginArguments
        var percentage: Int?
    }

    private func readProfiles(_ file: ConfigurationFields, _ percentage: Int?, _ errors: inout [FieldError]) throws -> [Draft] {
        let count = file.value("profiles").elements.count
        var drafts: [Draft] = []
        var places: [String: String] = [:]
        _ = try file.objects("profiles") { profile in
            // Who is the only one may leave its name away.
            let name = try profile.string("schedulerName") ?? (count == 1 ? SchedulerProfile.defaultName : "")
            let path = FieldPath(profile.place("schedulerName"))
            if name.isEmpty { errors.append(.required(path)) }
            let own = try Self.percentage(profile, &errors)
            var sets = PluginSets()
            _ = try profile.object("plugins") { sets = try PluginSets($0, &errors) }
            let arguments = try PluginArguments(profile, &errors)
            if let other = places[name] { errors.append(.duplicate(path, .string("\(other).schedulerName"))) }
            places[name] = profile.path
            drafts.append(Draft(name: name, sets: sets, arguments: arguments, percentage: own ?? percentage))
        }
        let unnamed = Draft(
            name: SchedulerProfile.defaultName, sets: PluginSets(), arguments: PluginArguments(), percentage: percentage)
        errors += Self.queueSortProblems(drafts)
        return drafts.isEmpty ? [unnamed] : drafts
    }

    /// All profiles share one queue, so one plugin orders it.
    private static func queueSortProblems(_ drafts: [Draft]) -> [FieldError] {
        let sorts = drafts.map { $0.sets.points[.queueSort] ?? PluginSets.Entry() }
        guard let first = sorts.first else { return [] }
        let several: [FieldError] =
            first.enabled.count > 1
            ? [
                .invalid(
                    "profiles[0].plugins.queueSort.Enabled", Value(first.enabled.count), "only one queue sort plugin can be enabled")
            ] : []
        return several
            + sorts.indices.filter { sorts[$0] != first }.map {
                .invalid(
                    FieldPath("profiles[\($0)].plugins.queueSort"), Value(sorts[$0].enabled.map(\.name)),
                    "must be the same for all profiles"
                )
            }
    }

    /// The policy that orders the queue; `nil` is upstream's PrioritySort.
    var queueSort: String? { profiles.first?.queueSort }

    /// Looks whether the policies that the configuration names are there.
    /// - Parameter policies: the names of all there are, whether they run or not.
    /// - Throws: `ConfigurationProblem` in upstream's words for the first that is not.
    public func check(policies: Set<String>) throws {
        for profile in profiles {
            for (name, problem) in profile.wanted where !policies.contains(name) {
                throw ConfigurationProblem("creating profile for scheduler name \(profile.schedulerName): \(problem)")
            }
        }
    }

    /// What the profile that decides about a Pod is called.
    func profileName(of pod: Object) -> String { pod.schedulerName.isEmpty ? SchedulerProfile.defaultName : pod.schedulerName }

    /// The profile that a Pod with this `spec.schedulerName` is decided by; `nil` leaves it to somebody else.
    func profile(for schedulerName: String) -> SchedulerProfile? {
        let name = schedulerName.isEmpty ? SchedulerProfile.defaultName : schedulerName
        return profiles.first { $0.schedulerName == name }
    }
}
