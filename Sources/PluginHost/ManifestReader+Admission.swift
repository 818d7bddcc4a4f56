internal import APIModel
internal import Client

// Which requests an admission plugin is asked about.
extension ManifestReader {
    func admission(_ value: Value, kind: ExtensionKind) throws -> AdmissionSpecification? {
        guard (kind == .admission) == !value.isNull else {
            throw error(
                kind == .admission
                    ? "spec.admission: an Admission must say which requests it is for" : "spec.admission: only an Admission has it")
        }
        guard kind == .admission else { return nil }
        let path = "spec.admission"
        let matching = ["rules", "matchPolicy", "namespaceSelector", "objectSelector", "matchConditions"]
        try allow(matching + ["failurePolicy", "phases", "reinvocationPolicy"], in: value, at: path)
        let rules = try list(value["rules"], at: "\(path).rules")
        guard !rules.isEmpty else { throw error("\(path).rules: must name at least one resource") }
        for (index, rule) in rules.enumerated() { try requestRule(rule, at: "\(path).rules[\(index)]") }
        _ = try choice(value["matchPolicy"], of: MatchPolicy.self, default: .equivalent, at: "\(path).matchPolicy")
        for field in ["namespaceSelector", "objectSelector"] where !value[field].isNull {
            do { _ = try LabelSelector(value[field]) } catch { throw self.error("\(path).\(field): \(error.message)") }
        }
        for (index, condition) in try list(value["matchConditions"], at: "\(path).matchConditions").enumerated() {
            let place = "\(path).matchConditions[\(index)]"
            try allow(["name", "expression"], in: condition, at: place)
            for field in ["name", "expression"] { _ = try string(condition[field], at: "\(place).\(field)") }
        }
        let phases = try list(value["phases"], at: "\(path).phases").enumerated().map {
            try choice($1, of: AdmissionPhase.self, default: nil, at: "\(path).phases[\($0)]")
        }
        var match = Value.emptyObject
        for field in matching where !value[field].isNull { match[field] = value[field] }
        return AdmissionSpecification(
            match: match,
            failsClosed: try choice(value["failurePolicy"], of: FailurePolicy.self, default: .fail, at: "\(path).failurePolicy") == .fail,
            phases: phases.isEmpty ? nil : Set(phases),
            isReinvoked: try choice(
                value["reinvocationPolicy"], of: ReinvocationPolicy.self, default: .never, at: "\(path).reinvocationPolicy") == .ifNeeded)
    }

    /// As in a webhook's configuration.
    private func requestRule(_ value: Value, at path: String) throws {
        try allow(["operations", "apiGroups", "apiVersions", "resources", "scope"], in: value, at: path)
        for field in ["operations", "apiGroups", "apiVersions", "resources"] {
            let entries = try list(value[field], at: "\(path).\(field)")
            guard !entries.isEmpty else { throw error("\(path).\(field): must not be empty") }
            for (index, entry) in entries.enumerated() {
                // The core group's name is the one empty string that means something.
                guard let text = entry.string, !text.isEmpty || field == "apiGroups" else {
                    throw error("\(path).\(field)[\(index)]: must be a string that is not empty")
                }
            }
        }
        for (index, operation) in value["operations"].elements.enumerated() {
            _ = try choice(operation, of: RequestOperation.self, default: nil, at: "\(path).operations[\(index)]")
        }
        _ = try choice(value["scope"], of: RequestScope.self, default: .all, at: "\(path).scope")
    }

    // The words of a webhook's configuration.
    private enum MatchPolicy: String, CaseIterable {
        case exact = "Exact"
        case equivalent = "Equivalent"
    }
    private enum FailurePolicy: String, CaseIterable {
        case fail = "Fail"
        case ignore = "Ignore"
    }
    private enum ReinvocationPolicy: String, CaseIterable {
        case never = "Never"
        case ifNeeded = "IfNeeded"
    }
    private enum RequestOperation: String, CaseIterable {
        case all = "*"
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
        case connect = "CONNECT"
    }
    private enum RequestScope: String, CaseIterable {
        case all = "*"
        case cluster = "Cluster"
        case namespaced = "Namespaced"
    }
}
