internal import APIModel

/// What a profile's `pluginConfig` tells upstream's plugins, with upstream's defaults for what it does not say.
struct PluginArguments: Sendable {
    var fit = FitArguments()
    /// Of NodeResourcesBalancedAllocation, the resources it looks at.
    var balanced = ["cpu", "memory"]
    var hardPodAffinityWeight = 1
    var ignorePreferredTermsOfExistingPods = false
    /// A NodeAffinity that every Pod of the profile has beside its own; `.null` for none.
    var addedAffinity = Value.null
    var spread = SpreadArguments()
    /// Of DefaultPreemption: how many Nodes are compared at least, in percent of all, and as a number.
    var minCandidateNodesPercentage = 10
    var minCandidateNodesAbsolute = 100
    /// Of VolumeBinding.
    var bindTimeoutSeconds: Int64 = 600
    /// Of DynamicResources: how long devices are looked for on one Node, zero for ever, and how long a Pod waits until those it got are ready.
    var filterTimeout = Duration.seconds(10)
    var bindingTimeout = Duration.seconds(600)

    private static let group = "kubescheduler.config.k8s.io"

    /// Upstream's defaults.
    init() {}

    /// - Throws: `ConfigurationProblem` for what is no such list; wrong values are added to `errors`.
    init(_ profile: ConfigurationFields, _ errors: inout [FieldError]) throws {
        var seen: Set<String> = []
        _ = try profile.objects("pluginConfig") { entry in
            let (name, path) = (try entry.required("name"), FieldPath(entry.path))
            if !seen.insert(name).inserted { errors.append(.duplicate(path, .string(name))) }
            guard let plugin = InTreePlugin.byName[name] else {
                _ = entry.value("args")
                return errors.append(
                    .invalid(
                        path, .string(name),
                        InTreePlugin.removed.contains(name)
                            ? PluginSets.removedWords : "has its settings in spec.config of its Plugin, if there is one of that name"))
            }
            guard plugin.hasArguments else {
                _ = entry.value("args")
                return errors.append(.invalid(path, .string(name), "takes no arguments"))
            }
            _ = try entry.object("args") { fields in
                let kind = try fields.string("kind") ?? "\(name)Args"
                let version = try fields.string("apiVersion") ?? "\(Self.group)/v1"
                guard kind == "\(name)Args", version == "\(Self.group)/v1" else {
                    throw ConfigurationProblem(
                        "decoding .\(entry.path): args for plugin \(name) were not of type \(name)Args.\(Self.group), got \(kind).\(version.prefix { $0 != "/" })"
                    )
                }
                try read(name, fields, &errors)
            }
        }
    }

    private mutating func read(_ name: String, _ fields: ConfigurationFields, _ errors: inout [FieldError]) throws {
        switch name {
        case "NodeResourcesFit": fit = try FitArguments(fields, &errors)
        case "PodTopologySpread": spread = try SpreadArguments(fields, &errors)
        case "NodeResourcesBalancedAllocation": balanced = try Self.balanced(fields, &errors)
        case "InterPodAffinity":
            hardPodAffinityWeight = try fields.number("hardPodAffinityWeight", in: 0...100, "not in valid range [0, 100]", &errors) ?? 1
            ignorePreferredTermsOfExistingPods = try fields.bool("ignorePreferredTermsOfExistingPods") ?? false
        case "NodeAffinity":
            addedAffinity = fields.value("addedAffinity")
            errors += NodeAffinityRules.check(addedAffinity, FieldPath(fields.place("addedAffinity")))
        case "VolumeBinding":
            let words = "invalid BindTimeoutSeconds, should not be a negative value"
            bindTimeoutSeconds = Int64(try fields.number("bindTimeoutSeconds", in: 0...Int(Int32.max), words, &errors) ?? 600)
            let shape = fields.value("shape")
            if !shape.isNull {
                errors.append(
                    .invalid(
                        FieldPath(fields.place("shape")), shape,
                        "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring"))
            }
        case PodDevices.name:
            filterTimeout = try fields.duration("filterTimeout", .zero, "must be zero or positive", &errors) ?? filterTimeout
            bindingTimeout = try fields.duration("bindingTimeout", .seconds(1), "must be at least 1 second", &errors) ?? bindingTimeout
        default: try readPreemption(fields, &errors)
        }
    }

    private mutating func readPreemption(_ fields: ConfigurationFields, _ errors: inout [FieldError]) throws {
        let (percentage, absolute) = ("minCandidateNodesPercentage", "minCandidateNodesAbsolute")
        minCandidateNodesPercentage = try fields.number(percentage, in: 0...100, "not in valid range [0, 100]", &errors) ?? 10
        minCandidateNodesAbsolute = try fields.number(absolute, in: 0...Int(Int32.max), "not in valid range [0, inf)", &errors) ?? 100
        guard minCandidateNodesPercentage == 0, minCandidateNodesAbsolute == 0 else { return }
        for (name, other) in [(percentage, absolute), (absolute, percentage)] {
            errors.append(.invalid(FieldPath(fields.place(name)), 0, "cannot be zero at the same time as \(other)"))
        }
    }

    private static func balanced(_ fields: ConfigurationFields, _ errors: inout [FieldError]) throws -> [String] {
        var names: [String] = []
        for resource in try ResourceSpec.read(fields) {
            if names.contains(resource.name) {
                errors.append(.duplicate(FieldPath("\(resource.path).name"), .string(resource.name)))
            }
            if resource.weight != 1 { errors.append(.invalid(FieldPath("\(resource.path).weight"), .int(resource.weight), "must be 1")) }
            names.append(resource.name)
        }
        return names.isEmpty ? ["cpu", "memory"] : names
    }
}

/// A resource that is looked at when Nodes are compared, and what it counts for.
struct ResourceSpec: Sendable {
    let name: String
    let weight: Whole
    /// Where it stands in the file.
    let path: String

    /// `resources`, with a weight of 1 where none is given.
    static func read(_ fields: ConfigurationFields) throws -> [ResourceSpec] {
        try fields.objects("resources") { resource in
            let weight = try resource.whole("weight") ?? 0
            return ResourceSpec(name: try resource.required("name"), weight: weight == 0 ? 1 : weight, path: resource.path)
        }
    }
}

extension ConfigurationFields {
    /// A duration; one below `least` is an error with the words `below`.
    func duration(_ name: String, _ least: Duration, _ below: String, _ errors: inout [FieldError]) throws -> Duration? {
        guard let duration = try duration(name) else { return nil }
        if duration < least { errors.append(.invalid(FieldPath(place(name)), value(name), below)) }
        return duration
    }

    /// A whole number; one outside of `range` is an error with the words `outside`, and is cut.
    func number(_ name: String, in range: ClosedRange<Int>, _ outside: String, _ errors: inout [FieldError]) throws -> Int? {
        guard let number = try whole(name) else { return nil }
        if !range.contains(Int(number)) { errors.append(.invalid(FieldPath(place(name)), .int(number), outside)) }
        return min(max(Int(number), range.lowerBound), range.upperBound)
    }
}
