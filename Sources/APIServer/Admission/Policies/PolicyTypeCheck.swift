import APIModel
import CEL

/// Checks the expressions of a policy against the kinds that its rules name. What is found is a warning in the policy's status: a policy may
/// be right about one of its kinds and wrong about another.
enum PolicyTypeCheck {
    /// As many kinds as are looked at.
    private static let mostKinds = 10

    /// `status.typeChecking`.
    static func status(_ policy: Value, _ served: Served) -> Value {
        let spec = policy["spec"]
        let kinds = kinds(spec["matchConstraints"]["resourceRules"].elements, served)
        let params = GroupVersionKind(of: spec["paramKind"]).flatMap(served.kinds.resource).map(DeclaredKind.type)
        let hasParams = !spec["paramKind"].isNull
        let environments = kinds.map { type in
            let object = DeclaredKind.type(type)
            let environment = { (variables: [String: DeclaredType]) in
                AdmissionEnvironment.typed(object: object, params: hasParams ? params ?? .dyn : nil, variables: variables)
            }
            let variables = AdmissionPolicy.compose(spec["variables"], in: environment)
            return (kind: type.groupVersionKind, environment: environment(AdmissionPolicy.types(of: variables)))
        }
        var warnings: [Value] = []
        for (index, validation) in spec["validations"].elements.enumerated() {
            for field in ["expression", "messageExpression"] {
                guard let text = validation[field].string, !text.isEmpty else { continue }
                let found = environments.compactMap { kind, environment in
                    AdmissionExpression(text, in: environment).problem([.any]).map { "\(kind): \($0)\n" }
                }
                guard !found.isEmpty else { continue }
                warnings.append([
                    "fieldRef": .string("spec.validations[\(index)].\(field)"), "warning": .string(found.joined(separator: "\n")),
                ])
            }
        }
        return warnings.isEmpty ? .emptyObject : ["expressionWarnings": .array(warnings)]
    }

    /// The kinds that the rules name one by one, in order of group, version and kind.
    private static func kinds(_ rules: [Value], _ served: Served) -> [ResourceType] {
        var found: [GroupVersionKind: ResourceType] = [:]
        for rule in rules {
            func names(_ field: String) -> [String] { rule[field].elements.compactMap(\.string).sorted() }
            let (groups, versions) = (names("apiGroups"), names("apiVersions"))
            if (groups + versions).contains(where: { $0.contains("*") }) { continue }
            for group in groups {
                for version in versions {
                    for resource in names("resources") where !resource.contains("*") && !resource.contains("/") {
                        guard found.count < mostKinds,
                            let type = served.kinds.resource(GroupVersionResource(group: group, version: version, resource: resource))
                        else { continue }
                        found[type.groupVersionKind] = type
                    }
                }
            }
        }
        return found.values.sorted { ($0.group, $0.version, $0.kind) < ($1.group, $1.version, $1.kind) }
    }
}

/// Types of the API as the checker knows them.
enum DeclaredKind {
    static func type(_ type: ResourceType) -> DeclaredType { object(type.schema.schema, type.kind, []) }

    /// - Parameter path: names the type; no two of one policy have the same.
    private static func object(_ schema: TypeSchema, _ path: String, _ outer: Set<String>) -> DeclaredType {
        var fields: [String: DeclaredType] = [:]
        for field in schema.fields {
            guard let name = FieldName.escape(field.name) else { continue }
            fields[name] = type(field.type, "\(path).\(field.name)", outer.union([schema.name]))
        }
        return .object(path, fields)
    }

    /// A type that holds itself is anything from there on.
    private static func type(_ type: FieldType, _ path: String, _ outer: Set<String>) -> DeclaredType {
        switch type {
        case .string, .quantity: .string
        case .boolean: .bool
        case .int32, .int64: .int
        case .double: .double
        case .bytes: .bytes
        case .time, .microTime: .timestamp
        case .intOrString, .any: .dyn
        case .array(let element): .list(of: self.type(element, "\(path).@idx", outer))
        case .map(let element): .map(of: self.type(element, "\(path).@elem", outer))
        case .object(let reference): outer.contains(reference.name) ? .dyn : object(reference.schema, path, outer)
        }
    }
}
