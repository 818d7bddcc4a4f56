internal import OrderedCollections

extension TypeRules {
    /// Which requests belong together, and how many of them are let in at a time.
    static let flowControl: [String: Rule] = [
        "flowcontrol.v1.FlowSchemaSpec": { spec, path, errors in
            let method = spec["distinguisherMethod"]
            if !method.isNull, !["ByNamespace", "ByUser"].contains(method["type"].string ?? "") {
                errors.append(
                    .notSupported(
                        path.child("distinguisherMethod", "type"), GoStructure.show(method, zero: ["type": ""]), ["ByNamespace", "ByUser"]))
            }
        },
        "flowcontrol.v1.PolicyRulesWithSubjects": { rule, path, errors in
            if rule["resourceRules"].isEmpty, rule["nonResourceRules"].isEmpty {
                errors.append(.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"))
            }
        },
        "flowcontrol.v1.Subject": subject,
        "flowcontrol.v1.ResourcePolicyRule": { rule, path, errors in
            verbs(rule["verbs"], path.child("verbs"), &errors)
            for (field, words) in [("apiGroups", "api groups"), ("resources", "resources"), ("namespaces", "namespaces")] {
                allAlone(rule[field], words, path.child(field), &errors)
            }
            let namespaces = rule["namespaces"].elements
            if namespaces.isEmpty, rule["clusterScope"].bool != true {
                let message = "resource rules that are not cluster scoped must supply at least one namespace"
                errors.append(.required(path.child("namespaces"), message))
            }
            for (index, namespace) in namespaces.enumerated() where !namespaces.contains("*") {
                let problems = Names.dnsLabel(namespace.string ?? "")
                Constraint.add(
                    problems.map { "each member of this list must be '*' or a DNS-1123 label; " + $0 }, namespace,
                    path.child("namespaces").index(index), &errors)
            }
        },
        "flowcontrol.v1.NonResourcePolicyRule": { rule, path, errors in
            verbs(rule["verbs"], path.child("verbs"), &errors)
            let (urls, field) = (rule["nonResourceURLs"], path.child("nonResourceURLs"))
            allAlone(urls, "non-resource URLs", field, &errors)
            guard !urls.elements.contains("*") else { return }
            for (index, url) in urls.elements.enumerated() {
                if let problem = problem(ofURL: url.string ?? "") { errors.append(.invalid(field.index(index), url, problem)) }
            }
        },
        "flowcontrol.v1.PriorityLevelConfigurationSpec": { spec, path, errors in
            switch spec["type"].string {
            case "Exempt":
                if !spec["limited"].isNull { errors.append(.forbidden(path.child("limited"), "must be nil if the type is not Limited")) }
            case "Limited":
                if !spec["exempt"].isNull { errors.append(.forbidden(path.child("exempt"), "must be nil if the type is Limited")) }
                if spec["limited"].isNull {
                    errors.append(.required(path.child("limited"), "must not be empty when type is Limited"))
                }
            default: break
            }
        },
        "flowcontrol.v1.LimitedPriorityLevelConfiguration": { limited, path, errors in
            let type = limited["limitResponse"]["type"]
            guard type.isEmpty else { return }
            errors.append(.notSupported(path.child("limitResponse", "type"), "", ["Queue", "Reject"]))
        },
        "flowcontrol.v1.LimitResponse": { response, path, errors in
            let (queuing, field) = (response["queuing"], path.child("queuing"))
            switch response["type"].string {
            case "Reject":
                if !queuing.isNull {
                    errors.append(.forbidden(field, "must be nil if limited.limitResponse.type is not Limited"))
                }
            case "Queue":
                if queuing.isNull {
                    errors.append(.required(field, "must not be empty if limited.limitResponse.type is Limited"))
                }
            default: break
            }
        },
        "flowcontrol.v1.QueuingConfiguration": { queuing, path, errors in
            func refuse(_ field: String, _ message: String) { errors.append(.invalid(path.child(field), queuing[field], message)) }
            let (queues, hand) = (queuing["queues"].int ?? 0, queuing["handSize"].int ?? 0)
            for field in ["queueLengthLimit", "queues", "handSize"] where queuing[field].int ?? 0 <= 0 { refuse(field, "must be positive") }
            if queues > 10_000_000 { refuse("queues", "must not be greater than 10000000") }
            if hand > 0, hand > queues { refuse("handSize", "should not be greater than queues (\(queues))") }
        },
    ]

    private static let subject: Rule = { subject, path, errors in
        let fields = ["ServiceAccount": "serviceAccount", "User": "user", "Group": "group"]
        guard let kind = subject["kind"].string, let own = fields[kind] else { return }
        for (other, field) in fields.sorted(by: { $0.key < $1.key }) where other != kind && !subject[field].isNull {
            errors.append(.forbidden(path.child(field), "\(field) is forbidden when subject kind is not '\(other)'"))
        }
        let given = subject[own]
        guard !given.isNull else {
            errors.append(.required(path.child(own), "\(own) is required when subject kind is '\(kind)'"))
            return
        }
        guard kind == "ServiceAccount" else { return }
        for (field, check) in [("name", Names.dnsSubdomain), ("namespace", Names.dnsLabel)] {
            guard let text = given[field].string, !text.isEmpty, field != "name" || text != "*" else { continue }
            Constraint.add(check(text), .string(text), path.child(own, field), &errors)
        }
        if given["namespace"].isEmpty {
            errors.append(.required(path.child(own, "namespace"), "must specify namespace for service account"))
        }
    }

    private static let knownVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"]

    private static func verbs(_ verbs: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        allAlone(verbs, "verbs", path, &errors)
        guard !verbs.elements.contains("*"), !verbs.elements.allSatisfy({ knownVerbs.contains($0.string ?? "") }) else { return }
        errors.append(.notSupported(path, verbs, knownVerbs))
    }

    /// Beside the sign for all there is nothing more to name.
    private static func allAlone(_ list: Value, _ words: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if list.elements.count > 1, list.elements.contains("*") {
            errors.append(.invalid(path, list, "if '*' is present, must not specify other \(words)"))
        }
    }

    private static func problem(ofURL url: String) -> String? {
        if url.isEmpty { return "must not be empty" }
        if url == "/" { return nil }
        if !url.hasPrefix("/") { return "must start with slash" }
        if url.contains(" ") { return "must not contain white-space" }
        if url.contains("//") { return "must not contain double slash" }
        let wildcards = url.count { $0 == "*" }
        return wildcards > 1 || wildcards == 1 && !url.hasSuffix("/*") ? "wildcard can only do suffix matching" : nil
    }
}
