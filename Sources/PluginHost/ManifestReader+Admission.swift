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
        let shared = matching + ["failurePolicy", "reinvocationPolicy"]
        try allow(shared + ["phases"], in: value, at: path)
        guard !(try list(value["rules"], at: "\(path).rules")).isEmpty else {
            throw error("\(path).rules: must name at least one resource")
        }
        try webhook(value, shared, at: path)
        let phases = try list(value["phases"], at: "\(path).phases").enumerated().map {
            try choice($1, of: AdmissionPhase.self, default: nil, at: "\(path).phases[\($0)]")
        }
        var match = Value.emptyObject
        for field in matching where !value[field].isNull { match[field] = value[field] }
        return AdmissionSpecification(
            match: match, failsClosed: value["failurePolicy"].string != "Ignore", phases: phases.isEmpty ? nil : Set(phases),
            isReinvoked: value["reinvocationPolicy"].string == "IfNeeded")
    }

    /// Judges what an admission plugin has in common with a webhook of a MutatingWebhookConfiguration as one of those.
    private func webhook(_ value: Value, _ fields: [String], at path: String) throws {
        let kind = GroupVersionKind(group: "admissionregistration.k8s.io", version: "v1", kind: "MutatingWebhook")
        guard let schema = Catalogue.builtin.type(named: "io.k8s.api.admissionregistration.v1.MutatingWebhook") else {
            throw error("\(path): this build knows no webhooks")
        }
        var webhook = Value.emptyObject
        for field in fields where !value[field].isNull { webhook[field] = value[field] }
        let unknown: [String]
        do { unknown = try Pruning.decode(&webhook, schema: schema, kind: kind) } catch { throw self.error("\(path): \(error.message)") }
        if let first = unknown.first { throw error("\(path).\(first): unknown key") }
        let problem = Validation.validate(webhook, schema: schema).first { problem in
            fields.contains(String(problem.field.prefix { $0 != "." && $0 != "[" }))
        }
        if let problem { throw error("\(path).\(problem.message)") }
    }
}
