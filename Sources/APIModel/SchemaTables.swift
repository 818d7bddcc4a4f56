/// Where the tables and rules that are written by type name meet the types: each catalogue is given them once, when it is read, and from
/// then on they are found on the field or the type itself.
enum SchemaTables {
    /// The type as the catalogue has it, with what the tables say of it.
    static func type(_ name: String, _ fields: [FieldSchema]) -> TypeSchema {
        var fields = fields
        let defaults = DefaultTable.types[name] ?? []
        let constraints = ConstraintTable.types[name] ?? []
        let optional = ConstraintTable.optional[name] ?? []
        let required = ConstraintTable.required[name] ?? [:]
        if !(defaults.isEmpty && constraints.isEmpty && optional.isEmpty && required.isEmpty) {
            for index in fields.indices {
                let field = fields[index].name
                let entry = defaults.first { $0.field == field }
                fields[index].fallback = entry?.fallback
                fields[index].published = entry?.published
                fields[index].constraints = constraints.filter { $0.field == field }
                fields[index].missing = required[field]
                if optional.contains(field) { fields[index].mayBeEmpty = true }
            }
        }
        if let kept = emptyLists[name], let index = fields.firstIndex(where: { $0.name == kept }) { fields[index].keepsEmpty = true }
        return TypeSchema(
            name: name, fields: fields,
            rules: TypeSchema.Rules(
                fill: DefaultRules.rules[name], fillAfterwards: DefaultRules.afterwards[name], check: TypeRules.rules[name]))
    }

    /// The field of a type in which an empty list says something: to forget who owns what, to scale by no policy.
    private static let emptyLists = [
        ObjectFields.metadataType: "managedFields", "io.k8s.api.autoscaling.v2.HPAScalingRules": "policies",
    ]

    /// Names in the tables that `catalogue` does not have: `core.v1.PodSpec.restartPolcy`. A test asks.
    static func strangers(to catalogue: Catalogue) -> [String] {
        var fields: [String: [String]] = [:]
        for (name, entries) in DefaultTable.types { fields[name, default: []] += entries.map(\.field) }
        for (name, entries) in ConstraintTable.types { fields[name, default: []] += entries.map(\.field) }
        for (name, entries) in ConstraintTable.required { fields[name, default: []] += entries.keys }
        for (name, entries) in ConstraintTable.optional { fields[name, default: []] += entries }
        for name in DefaultRules.rules.keys { fields[name, default: []] += [] }
        for name in DefaultRules.afterwards.keys { fields[name, default: []] += [] }
        for name in TypeRules.rules.keys { fields[name, default: []] += [] }
        let kinds = Set(catalogue.resources.map { "\($0.group)/\($0.kind)" })
        return fields.flatMap { name, fields -> [String] in
            guard let type = catalogue.type(named: name) else { return [name] }
            return fields.filter { type.field($0) == nil }.map { "\(name).\($0)" }
        } + (Array(KindRules.rules.keys) + UpdateRules.kinds).filter { !kinds.contains($0) }
    }
}
