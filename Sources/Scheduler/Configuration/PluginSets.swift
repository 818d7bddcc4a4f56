internal import APIModel

/// Which plugins do something at which point: a profile's `plugins` laid over upstream's default set, by upstream's rules. What a point says
/// itself comes before what `multiPoint` says, which comes before the default.
struct PluginSets: Sendable {
    struct Plugin: Sendable, Equatable {
        let name: String
        /// Zero where the configuration says nothing.
        let weight: Int
    }
    struct Entry: Sendable, Equatable {
        var enabled: [Plugin] = []
        var disabled: Set<String> = []

        /// Whoever does what is upstream's is there for those of its plugins that are left: only its own name keeps it out.
        func keepsOut(_ policy: String) -> Bool {
            disabled.contains(policy) || disabled.contains("*") && policy != InTreePlugin.policy
        }
    }

    private(set) var points: [ExtensionPoint: Entry] = [:]
    private var multiPoint = Entry()
    /// Plugins that are no upstream's, which do something wherever nobody says otherwise.
    private(set) var foreign: [String] = []

    private static let multiPointName = "multiPoint"

    /// Upstream's default set.
    init() {}

    /// - Throws: `ConfigurationProblem` for what is no such object.
    init(_ fields: ConfigurationFields, _ errors: inout [FieldError]) throws {
        for point in ExtensionPoint.allCases { points[point] = try Self.read(fields, point.rawValue, checksRemoved: true, &errors) }
        multiPoint = try Self.read(fields, Self.multiPointName, checksRemoved: false, &errors)
        let named = (points.values.flatMap(\.enabled) + multiPoint.enabled).map(\.name)
        foreign = Array(Set(named.filter { InTreePlugin.byName[$0] == nil })).sorted()
    }

    private static func read(_ fields: ConfigurationFields, _ name: String, checksRemoved: Bool, _ errors: inout [FieldError]) throws
        -> Entry
    {
        var found: [FieldError] = []
        let set = try fields.object(name) { set in
            let enabled = try set.objects("enabled") { plugin in
                let (name, weight) = (try plugin.required("name"), try plugin.whole("weight") ?? 0)
                if weight < 0 {
                    found.append(.invalid(FieldPath(plugin.place("weight")), .int(weight), "must have a positive weight applied to it"))
                }
                if checksRemoved, InTreePlugin.removed.contains(name) {
                    found.append(.invalid(FieldPath(plugin.path), .string(name), Self.removedWords))
                }
                return Plugin(name: name, weight: Int(weight))
            }
            let disabled = try set.objects("disabled") { plugin in
                // A weight means nothing here, and upstream lets it stand.
                _ = try plugin.whole("weight")
                return try plugin.required("name")
            }
            return Entry(enabled: enabled, disabled: Set(disabled))
        }
        errors += found
        return set ?? Entry()
    }

    /// What upstream says of a plugin that it has taken out.
    static let removedWords =
        "was invalid in version \"kubescheduler.config.k8s.io/v1\" (KubeSchedulerConfiguration is version \"kubescheduler.config.k8s.io/v1\")"

    /// Everything that is on at all points together: upstream's default set with what the configuration changes of it.
    private var everywhere: [Plugin] {
        var replaced: Set<Int> = []
        var plugins: [Plugin] = []
        if !multiPoint.disabled.contains("*") {
            for plugin in InTreePlugin.all where !multiPoint.disabled.contains(plugin.name) {
                // Of several of one name the last counts, and the others are one too many.
                if let place = multiPoint.enabled.lastIndex(where: { $0.name == plugin.name }) {
                    plugins.append(multiPoint.enabled[place])
                    replaced.insert(place)
                } else {
                    plugins.append(Plugin(name: plugin.name, weight: plugin.weight))
                }
            }
        }
        return plugins + multiPoint.enabled.enumerated().filter { !replaced.contains($0.offset) }.map(\.element)
    }

    private static func extends(_ name: String, _ point: ExtensionPoint) -> Bool {
        InTreePlugin.byName[name]?.points.contains(point) ?? Self.foreignPoints.contains(point)
    }

    /// Where a policy of ours does something, as far as its name at `multiPoint` says: one that orders the queue is named at `queueSort`.
    static let foreignPoints: Set<ExtensionPoint> = [.preFilter, .filter, .preScore, .score, .permit, .preBind]

    /// The plugins at a point, each once.
    /// - Throws: `ConfigurationProblem` in upstream's words, where one stands there twice or has nothing to do there.
    func plugins(at point: ExtensionPoint) throws -> [Plugin] {
        let own = points[point] ?? Entry()
        var names: Set<String> = []
        for plugin in own.enabled {
            guard Self.extends(plugin.name, point) || point == .queueSort && InTreePlugin.byName[plugin.name] == nil else {
                throw ConfigurationProblem("plugin \(FieldError.quoted(plugin.name)) does not extend \(point.pluginType) plugin")
            }
            try Self.insert(plugin, point, &names)
        }
        guard !own.disabled.contains("*") else { return own.enabled }
        var spread: [Plugin] = []
        var spreadNames: Set<String> = []
        for plugin in everywhere
        where Self.extends(plugin.name, point) && !own.disabled.contains(plugin.name) && !names.contains(plugin.name) {
            try Self.insert(plugin, point, &spreadNames)
            spread.append(plugin)
        }
        return own.enabled + spread
    }

    private static func insert(_ plugin: Plugin, _ point: ExtensionPoint, _ names: inout Set<String>) throws {
        guard names.insert(plugin.name).inserted else {
            throw ConfigurationProblem(
                "plugin \(FieldError.quoted(plugin.name)) already registered as \(FieldError.quoted(point.pluginType))")
        }
    }

    /// Whether a policy that the profile does not name does something at a point.
    func letsIn(_ name: String, at point: ExtensionPoint) -> Bool {
        !multiPoint.keepsOut(name) && points[point]?.keepsOut(name) != true
    }

    /// Whether every policy does something at a point, whatever it is called.
    func letsEverybodyIn(at point: ExtensionPoint) -> Bool { multiPoint.disabled.isEmpty && points[point]?.disabled.isEmpty != false }
}
