internal import OrderedCollections

extension TypeRules {
    /// What configurations of webhooks and policies must be. Their expressions are the API server's to judge.
    static let admission: [String: Rule] = [
        "admissionregistration.v1.MutatingWebhookConfiguration": { object, _, errors in
            TypeRules.unique(object["webhooks"].elements, "name", "webhooks", &errors)
        },
        "admissionregistration.v1.ValidatingWebhookConfiguration": { object, _, errors in
            TypeRules.unique(object["webhooks"].elements, "name", "webhooks", &errors)
        },
        "admissionregistration.v1.MutatingWebhook": webhook, "admissionregistration.v1.ValidatingWebhook": webhook,
        "admissionregistration.v1.RuleWithOperations": rule, "admissionregistration.v1.NamedRuleWithOperations": rule,
        "admissionregistration.v1.WebhookClientConfig": clientConfig,
        "admissionregistration.v1.MatchCondition": { condition, path, errors in
            if let name = condition["name"].string, !name.isEmpty {
                Constraint.add(Names.qualifiedName(name), .string(name), path.child("name"), &errors)
            }
            if condition["expression"].string?.trimmed.isEmpty != false { errors.append(.required(path.child("expression"))) }
        },
        "admissionregistration.v1.Variable": { variable, path, errors in
            let name = variable["name"].string ?? ""
            if name.trimmed.isEmpty {
                errors.append(.required(path.child("name"), "name is not specified"))
            } else if !isIdentifier(name) {
                errors.append(.invalid(path.child("name"), .string(name), "must be a valid CEL identifier"))
            }
            notBlank(variable, "expression", path, &errors)
        },
        "admissionregistration.v1.Validation": { validation, path, errors in
            notBlank(validation, "expression", path, &errors)
            for field in ["message", "messageExpression"] {
                guard let text = validation[field].string, !text.isEmpty else { continue }
                if text.trimmed.isEmpty {
                    errors.append(.invalid(path.child(field), .string(text), "must be non-empty if specified"))
                } else if field == "message", text.trimmed.contains(where: \.isNewline) {
                    errors.append(.invalid(path.child(field), .string(text), "must not contain line breaks"))
                }
            }
        },
        "admissionregistration.v1.AuditAnnotation": { annotation, path, errors in
            notBlank(annotation, "valueExpression", path, &errors)
            if (annotation["valueExpression"].string?.trimmed.utf8.count ?? 0) > 5 * 1024 {
                errors.append(.required(path.child("valueExpression"), "must not exceed 5120 bytes in length"))
            }
        },
        "admissionregistration.v1.ParamKind": { kind, path, errors in
            if let version = kind["apiVersion"].string, !version.isEmpty { groupVersion(version, path.child("apiVersion"), &errors) }
            if let name = kind["kind"].string, !name.isEmpty {
                let problems = Names.dns1035Label(name.lowercased())
                if !problems.isEmpty {
                    errors.append(
                        .invalid(
                            path.child("kind"), .string(name),
                            "may have mixed case, but should otherwise match: \(problems.joined(separator: ","))"))
                }
            }
        },
        "admissionregistration.v1.ValidatingAdmissionPolicySpec": { spec, path, errors in
            constraints(spec, path, &errors)
            if spec["validations"].isEmpty, spec["auditAnnotations"].isEmpty {
                for field in ["validations", "auditAnnotations"] {
                    errors.append(.required(path.child(field), "validations or auditAnnotations must contain at least one item"))
                }
            }
            let annotations = spec["auditAnnotations"].elements
            if annotations.count > 20 {
                errors.append(
                    .invalid(path.child("auditAnnotations"), spec["auditAnnotations"], "must not have more than 20 auditAnnotations"))
            }
            TypeRules.unique(annotations, "key", path.child("auditAnnotations"), &errors)
        },
        "admissionregistration.v1.MutatingAdmissionPolicySpec": { spec, path, errors in
            constraints(spec, path, &errors)
            noDeletions(spec["matchConstraints"], path.child("matchConstraints"), &errors)
            if spec["mutations"].isEmpty { errors.append(.required(path.child("mutations"), "mutations must contain at least one item")) }
            if spec["reinvocationPolicy"].isEmpty { errors.append(.required(path.child("reinvocationPolicy"))) }
        },
        "admissionregistration.v1.Mutation": { mutation, path, errors in
            let fields = ["JSONPatch": "jsonPatch", "ApplyConfiguration": "applyConfiguration"]
            guard let type = mutation["patchType"].string, let wanted = fields[type] else {
                if mutation["patchType"].isEmpty { errors.append(.required(path.child("patchType"))) }
                return
            }
            if mutation[wanted].isNull {
                errors.append(.required(path.child(wanted), "must be specified when patchType is \(type)"))
            } else if mutation[wanted]["expression"].string?.trimmed.isEmpty != false {
                errors.append(.required(path.child(wanted, "expression")))
            }
            for other in fields.values where other != wanted && !mutation[other].isNull {
                errors.append(.invalid(path.child(other), .string("{\(other)}"), "must not be specified when patchType is \(type)"))
            }
        },
        "admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec": { spec, path, errors in
            let actions = spec["validationActions"].elements
            let field = path.child("validationActions")
            for (index, action) in actions.enumerated() where actions[..<index].contains(action) {
                errors.append(.duplicate(field.index(index), action))
            }
            if actions.contains("Deny"), actions.contains("Warn") {
                errors.append(
                    .invalid(
                        field, spec["validationActions"],
                        "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"
                    ))
            }
            if actions.isEmpty { errors.append(.required(field, "at least one validation action is required")) }
        },
        "admissionregistration.v1.MutatingAdmissionPolicyBindingSpec": { spec, path, errors in
            noDeletions(spec["matchResources"], path.child("matchResources"), &errors)
        },
        "admissionregistration.v1.ParamRef": { reference, path, errors in
            let hasName = !reference["name"].isEmpty
            switch (hasName, reference["selector"].isNull) {
            case (true, false):
                for field in ["name", "selector"] {
                    errors.append(.forbidden(path.child(field), "name and selector are mutually exclusive"))
                }
            case (false, true): errors.append(.required(path, "one of name or selector must be specified"))
            default: break
            }
            if reference["parameterNotFoundAction"].isEmpty { errors.append(.required(path.child("parameterNotFoundAction"))) }
        },
    ]

    // MARK: Webhooks

    private static let webhook: Rule = { webhook, path, errors in
        if let name = webhook["name"].string, !name.isEmpty {
            let problems = Names.dnsSubdomain(name)
            if !problems.isEmpty {
                errors.append(.invalid(path.child("name"), .string(name), problems.joined(separator: ",")))
            } else if name.split(separator: ".", omittingEmptySubsequences: false).count < 3 {
                errors.append(
                    .invalid(path.child("name"), .string(name), "should be a domain with at least three segments separated by dots"))
            }
        }
        if webhook["sideEffects"].isNull {
            errors.append(.required(path.child("sideEffects"), "must specify one of None, NoneOnDryRun"))
        }
        if let seconds = webhook["timeoutSeconds"].int, !(1...30).contains(seconds) {
            errors.append(
                .invalid(path.child("timeoutSeconds"), .int(seconds), "the timeout value must be between 1 and 30 seconds"))
        }
        conditions(webhook["matchConditions"], path.child("matchConditions"), &errors)
        reviewVersions(
            webhook["admissionReviewVersions"], path.child("admissionReviewVersions"), missing: "must specify one of v1, v1beta1", &errors)
    }

    private static func conditions(_ conditions: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let count = conditions.elements.count
        if count > 64 { errors.append(.tooMany(path, count: count, limit: 64)) }
        unique(conditions.elements, "name", path, &errors)
    }

    /// Which versions of a review a webhook takes.
    /// - Parameter missing: what is said when it names none.
    static func reviewVersions(_ versions: Value, _ path: FieldPath, missing: String, _ errors: inout [FieldError]) {
        guard !versions.isEmpty else {
            errors.append(.required(path, missing))
            return
        }
        var seen: Set<String> = []
        for (index, version) in versions.elements.enumerated() {
            guard let text = version.string else { continue }
            if seen.insert(text).inserted {
                Constraint.add(Names.dns1035Label(text), version, path.index(index), &errors)
            } else {
                errors.append(.invalid(path.index(index), version, "duplicate version"))
            }
        }
        if seen.isDisjoint(with: ["v1", "v1beta1"]) {
            errors.append(.invalid(path, versions, "must include at least one of v1, v1beta1"))
        }
    }

    /// Where a webhook answers.
    static func clientConfig(_ config: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        switch (config["url"].string, config["service"].isNull) {
        case (nil, true), (.some, false): errors.append(.required(path, "exactly one of url or service is required"))
        case (let url?, true): webhookURL(url, path.child("url"), &errors)
        case (nil, false):
            servicePath(config["service"]["path"].string ?? "", path.child("service", "path"), &errors)
            let port = config["service"]["port"]
            guard let number = port.int else { break }
            Constraint.add(Names.port(number).map { "port is not valid: \($0)" }, port, path.child("service", "port"), &errors)
        }
    }

    private static func webhookURL(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let form = "; desired format: https://host[/path]"
        guard let url = WebhookURL(text) else {
            let scheme = text.split(separator: ":", maxSplits: 1).count > 1 ? String(text.prefix { $0 != ":" }) : ""
            errors.append(.invalid(path, .string(scheme), "'https' is the only allowed URL scheme\(form)"))
            errors.append(.invalid(path, "", "host must be specified\(form)"))
            return
        }
        if url.scheme != "https" { errors.append(.invalid(path, .string(url.scheme), "'https' is the only allowed URL scheme\(form)")) }
        if url.host.isEmpty { errors.append(.invalid(path, "", "host must be specified\(form)")) }
        if url.hasUser { errors.append(.invalid(path, .string(text), "user information is not permitted in the URL")) }
        if !url.fragment.isEmpty { errors.append(.invalid(path, .string(url.fragment), "fragments are not permitted in the URL")) }
        if !url.query.isEmpty { errors.append(.invalid(path, .string(url.query), "query parameters are not permitted in the URL")) }
    }

    private static func servicePath(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if text.isEmpty || text == "/" { return }
        if text == "//" {
            errors.append(.invalid(path, .string(text), "segment[0] may not be empty"))
            return
        }
        if !text.hasPrefix("/") { errors.append(.invalid(path, .string(text), "must start with a '/'")) }
        var rest = text.dropFirst()
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        for (index, segment) in rest.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
            if segment.isEmpty {
                errors.append(.invalid(path, .string(text), "segment[\(index)] may not be empty"))
                continue
            }
            for problem in Names.dnsSubdomain(String(segment)) {
                errors.append(.invalid(path, .string(text), "segment[\(index)]: \(problem)"))
            }
        }
    }

    // MARK: Rules

    private static let rule: Rule = { rule, path, errors in
        let wildcards = [
            ("operations", "operations"), ("apiGroups", "API groups"), ("apiVersions", "API versions"),
        ]
        for (field, words) in wildcards {
            let entries = rule[field].elements
            if entries.isEmpty { errors.append(.required(path.child(field))) }
            if entries.count > 1, entries.contains("*") {
                errors.append(.invalid(path.child(field), rule[field], "if '*' is present, must not specify other \(words)"))
            }
        }
        for (index, version) in rule["apiVersions"].elements.enumerated() where version.isEmpty {
            errors.append(.required(path.child("apiVersions").index(index)))
        }
        resources(rule["resources"], path.child("resources"), &errors)
        let names = rule["resourceNames"].elements
        for (index, name) in names.enumerated() where names[..<index].contains(name) {
            errors.append(.duplicate(path.child("resourceNames").index(index), name))
        }
    }

    private static func resources(_ value: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let resources = value.elements.map { $0.string ?? "" }
        if resources.isEmpty { errors.append(.required(path)) }
        var allSubresources: Set<Substring> = []
        var allResources: Set<Substring> = []
        for (index, text) in resources.enumerated() {
            if text.isEmpty {
                errors.append(.required(path.index(index)))
                continue
            }
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let (resource, subresource) = (parts[0], parts[1])
            if allSubresources.contains(resource) {
                errors.append(
                    .invalid(path.index(index), .string(text), "if '\(resource)/*' is present, must not specify \(text)"))
            }
            if allResources.contains(subresource) {
                errors.append(
                    .invalid(path.index(index), .string(text), "if '*/\(subresource)' is present, must not specify \(text)"))
            }
            if subresource == "*" { allSubresources.insert(resource) }
            if resource == "*" { allResources.insert(subresource) }
        }
        if resources.count > 1, resources.contains("*/*") {
            errors.append(.invalid(path, value, "if '*/*' is present, must not specify other resources"))
        }
        if resources.contains("*"), resources.contains(where: { $0 != "*" && !$0.contains("/") && !$0.isEmpty }) {
            errors.append(
                .invalid(path, value, "if '*' is present, must not specify other resources without subresources"))
        }
    }

    // MARK: Policies

    private static func constraints(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let field = path.child("matchConstraints")
        if spec["matchConstraints"].isNull {
            errors.append(.required(field))
        } else if spec["matchConstraints"]["resourceRules"].isEmpty {
            errors.append(.required(field.child("resourceRules")))
        }
        conditions(spec["matchConditions"], path.child("matchConditions"), &errors)
    }

    /// What is deleted cannot be changed.
    private static func noDeletions(_ match: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for operation in match["resourceRules"].elements.flatMap({ $0["operations"].elements }) where operation.string == "DELETE" {
            errors.append(.notSupported(path.child("resourceRules", "operations"), operation, ["*", "CONNECT", "CREATE", "UPDATE"]))
        }
    }

    private static func groupVersion(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2 else {
            errors.append(.invalid(path, .string(text), "unexpected GroupVersion string: \(text)"))
            return
        }
        if parts.count == 2, !parts[0].isEmpty {
            let problems = Names.dnsSubdomain(parts[0])
            if !problems.isEmpty { errors.append(.invalid(path, .string(parts[0]), problems.joined(separator: ","))) }
        }
        let version = parts.last ?? ""
        if version.isEmpty {
            errors.append(.invalid(path, .string(text), "version must be specified"))
        } else {
            let problems = Names.dns1035Label(version)
            if !problems.isEmpty { errors.append(.invalid(path, .string(version), problems.joined(separator: ","))) }
        }
    }

    private static let reserved: Set = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
        "package", "namespace", "return", "var", "void", "while",
    ]

    private static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return !reserved.contains(name) && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    private static func notBlank(_ value: Value, _ field: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if value[field].string?.trimmed.isEmpty != false { errors.append(.required(path.child(field), "\(field) is not specified")) }
    }
}
