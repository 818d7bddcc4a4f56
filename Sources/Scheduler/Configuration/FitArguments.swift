internal import APIModel

/// NodeResourcesFitArgs: what a Node need not have, and how full Nodes are liked.
struct FitArguments: Sendable {
    enum Strategy: String, CaseIterable, Sendable {
        case leastAllocated = "LeastAllocated"
        case mostAllocated = "MostAllocated"
        case requestedToCapacityRatio = "RequestedToCapacityRatio"
    }
    struct Point: Sendable {
        /// In percent.
        let utilization: Int64
        /// From 0 to 10.
        let score: Int64
    }

    var ignoredResources: [String] = []
    var ignoredResourceGroups: [String] = []
    var strategy = Strategy.leastAllocated
    var resources: [(name: String, weight: Int64)] = [("cpu", 1), ("memory", 1)]
    /// Of RequestedToCapacityRatio.
    var shape: [Point] = []

    init() {}

    init(_ fields: ConfigurationFields, _ errors: inout [FieldError]) throws {
        ignoredResources = try fields.strings("ignoredResources")
        ignoredResourceGroups = try fields.strings("ignoredResourceGroups")
        for (index, name) in ignoredResources.enumerated() {
            errors += Self.labelName(name, FieldPath(fields.place("ignoredResources")).index(index))
        }
        for (index, group) in ignoredResourceGroups.enumerated() {
            let path = FieldPath(fields.place("ignoredResourceGroups")).index(index)
            if group.contains("/") { errors.append(.invalid(path, .string(group), "resource group name can't contain '/'")) }
            errors += Self.labelName(group, path)
        }
        _ = try fields.object("scoringStrategy") { try read($0, &errors) }
    }

    private static func labelName(_ name: String, _ path: FieldPath) -> [FieldError] {
        Names.qualifiedName(name).map { .invalid(path, .string(name), $0) }
    }

    private mutating func read(_ fields: ConfigurationFields, _ errors: inout [FieldError]) throws {
        let type = try fields.string("type") ?? ""
        if let known = Strategy(rawValue: type) {
            strategy = known
        } else {
            let all = Strategy.allCases.map(\.rawValue).sorted()
            errors.append(.notSupported(FieldPath(fields.place("type")), .string(type), all))
        }
        let specs = try ResourceSpec.read(fields)
        for resource in specs where !(1...100).contains(resource.weight) {
            errors.append(
                .invalid(
                    FieldPath("\(resource.path).weight"), .int(resource.weight),
                    "resource weight of \(resource.name) not in valid range (0, 100]"))
        }
        if !specs.isEmpty { resources = specs.map { ($0.name, $0.weight.int64) } }
        let path = FieldPath(fields.place("requestedToCapacityRatio"))
        var problems: [FieldError] = []
        let points = try fields.object("requestedToCapacityRatio") { try Self.shape($0, &problems) }
        if type == Strategy.requestedToCapacityRatio.rawValue {
            if points == nil { errors.append(.required(path, "must be specified when type is RequestedToCapacityRatio")) }
            errors += problems
        } else if points != nil {
            errors.append(.forbidden(path, "must be nil when type is not RequestedToCapacityRatio"))
        }
        shape = points ?? []
    }

    private static func shape(_ fields: ConfigurationFields, _ errors: inout [FieldError]) throws -> [Point] {
        var paths: [FieldPath] = []
        let points = try fields.objects("shape") { point in
            paths.append(FieldPath(point.path))
            return Point(utilization: (try point.whole("utilization") ?? 0).int64, score: (try point.whole("score") ?? 0).int64)
        }
        if points.isEmpty { errors.append(.required(FieldPath(fields.place("shape")), "at least one point must be specified")) }
        for (index, point) in points.enumerated().dropFirst() where points[index - 1].utilization >= point.utilization {
            errors.append(.invalid(paths[index].child("utilization"), .int(point.utilization), "values must be sorted in increasing order"))
            break
        }
        for (index, point) in points.enumerated() {
            for (name, value, most) in [("utilization", point.utilization, Int64(100)), ("score", point.score, 10)]
            where !(0...most).contains(value) {
                errors.append(.invalid(paths[index].child(name), .int(value), "not in valid range [0, \(most)]"))
            }
        }
        return points
    }

    /// As policies get it.
    var value: Value {
        [
            "ignoredResources": Value(ignoredResources), "ignoredResourceGroups": Value(ignoredResourceGroups),
            "type": .string(strategy.rawValue),
            "resources": .array(resources.map { ["name": .string($0.name), "weight": .int($0.weight)] }),
            "shape": .array(shape.map { ["utilization": .int($0.utilization), "score": .int($0.score)] }),
        ]
    }
}
