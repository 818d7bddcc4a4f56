internal import APIModel

/// PodTopologySpreadArgs: the constraints of a Pod without any of its own.
struct SpreadArguments: Sendable {
    /// As in a Pod's spec, without selectors.
    let constraints: [Value]
    /// Whether they are upstream's own: then a Node without the label of one counts for the others.
    let isSystem: Bool

    /// Upstream's own, all of them preferences.
    private static let system: [Value] = [
        ["topologyKey": .string(NodeLabel.hostname), "maxSkew": 3, "whenUnsatisfiable": "ScheduleAnyway"],
        ["topologyKey": .string(NodeLabel.zone), "maxSkew": 5, "whenUnsatisfiable": "ScheduleAnyway"],
    ]

    init() { (constraints, isSystem) = (Self.system, true) }

    init(_ fields: ConfigurationFields, _ errors: inout [FieldError]) throws {
        let type = try fields.string("defaultingType") ?? ""
        var problems: [FieldError] = []
        var list: [Value] = []
        _ = try fields.objects("defaultConstraints") { list.append(try Self.constraint($0, earlier: list, &problems)) }
        let typePath = FieldPath(fields.place("defaultingType"))
        if !["", "System", "List"].contains(type) {
            errors.append(.notSupported(typePath, .string(type), ["System", "List"]))
        } else if type != "List", !list.isEmpty {
            errors.append(.invalid(typePath, .string("System"), "when .defaultConstraints are not empty"))
        }
        errors += problems
        isSystem = type != "List"
        constraints = isSystem ? Self.system : list
    }

    private static func constraint(_ fields: ConfigurationFields, earlier: [Value], _ errors: inout [FieldError]) throws -> Value {
        func path(_ name: String) -> FieldPath { FieldPath(fields.place(name)) }
        let (skew, key) = (try fields.whole("maxSkew") ?? 0, try fields.string("topologyKey") ?? "")
        let action = try fields.string("whenUnsatisfiable") ?? ""
        if skew <= 0 { errors.append(.invalid(path("maxSkew"), .int(skew), "not in valid range (0, inf)")) }
        if key.isEmpty {
            errors.append(.required(path("topologyKey"), "can not be empty"))
        } else {
            errors += Names.qualifiedName(key).map { .invalid(path("topologyKey"), .string(key), $0) }
        }
        if action.isEmpty {
            errors.append(.required(path("whenUnsatisfiable"), "can not be empty"))
        } else if !["DoNotSchedule", "ScheduleAnyway"].contains(action) {
            errors.append(.notSupported(path("whenUnsatisfiable"), .string(action), ["DoNotSchedule", "ScheduleAnyway"]))
        }
        if !fields.value("labelSelector").isNull {
            errors.append(.forbidden(path("labelSelector"), "constraint must not define a selector, as they deduced for each pod"))
        }
        if earlier.contains(where: { $0["topologyKey"].string == key && $0["whenUnsatisfiable"].string == action }) {
            errors.append(.duplicate(FieldPath(fields.path), .string("{\(key), \(action)}")))
        }
        return [
            "topologyKey": .string(key), "maxSkew": .int(skew), "whenUnsatisfiable": .string(action),
            "minDomains": Value(try fields.whole("minDomains") ?? 1), "nodeAffinityPolicy": Value(try fields.string("nodeAffinityPolicy")),
            "nodeTaintsPolicy": Value(try fields.string("nodeTaintsPolicy")),
        ]
    }
}
