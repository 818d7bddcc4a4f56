internal import OrderedCollections

extension TypeRules {
    /// What limits and quotas of a namespace must be.
    static let limits: [String: Rule] = [
        "core.v1.LimitRangeSpec": { spec, path, errors in
            TypeRules.unique(spec["limits"].elements, "type", path.child("limits"), &errors)
        },
        "core.v1.LimitRangeItem": { item, path, errors in
            let type = item["type"].string ?? ""
            limitType(type, path.child("type"), &errors)
            var lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]
            if type == "Pod" {
                for list in ["default", "defaultRequest"] {
                    lists.removeAll { $0 == list }
                    if !item[list].isEmpty { errors.append(.forbidden(path.child(list), "may not be specified when `type` is 'Pod'")) }
                }
            }
            for list in lists {
                for name in item[list].fields.keys {
                    let check = type == "Pod" || type == "Container" ? ResourceNames.checkOfContainers : ResourceNames.check
                    check(name, path.child(list).key(name), &errors)
                }
            }
            if type == "PersistentVolumeClaim", item["min"]["storage"].isNull, item["max"]["storage"].isNull {
                errors.append(
                    .required(path.child("limits"), "either minimum or maximum storage value is required, but neither was provided"))
            }
            let amounts = Dictionary(uniqueKeysWithValues: lists.map { ($0, ResourceList(item[$0])) })
            for name in Set(amounts.values.flatMap(\.names)).sorted() {
                limit(name, amounts.compactMapValues { $0[name] }, path, &errors)
            }
        },
        "core.v1.ResourceQuotaSpec": { spec, path, errors in
            for (name, amount) in spec["hard"].fields {
                let field = path.child("hard").key(name)
                let before = errors.count
                ResourceNames.check(name, field, &errors)
                if !name.contains("/"), !ResourceNames.isOfQuota(name) {
                    errors.append(.invalid(field, .string(name), "must be a standard resource for quota"))
                }
                if errors.count == before, ResourceNames.isWhole(name), Quantity(of: amount)?.isWhole == false {
                    errors.append(.invalid(field, amount, "must be an integer"))
                }
            }
            scopes(spec, path, &errors)
        },
    ]

    private static func limitType(_ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let problems = Names.qualifiedName(type)
        for problem in problems { errors.append(.invalid(path, .string(type), problem)) }
        if problems.isEmpty, !type.contains("/"), !["Pod", "Container", "PersistentVolumeClaim"].contains(type) {
            errors.append(.invalid(path, .string(type), "must be a standard limit type or fully qualified"))
        }
    }

    /// Whether what one item says of one resource fits together.
    private static func limit(_ name: String, _ amounts: [String: Quantity], _ path: FieldPath, _ errors: inout [FieldError]) {
        let words = ["min": "min value", "max": "max value", "default": "default value", "defaultRequest": "default request value"]
        /// What may not be greater than what, where the refusal is shown, and how it calls the greater one.
        let order: [(low: String, high: String, field: String, words: String?)] = [
            ("min", "max", "min", nil), ("min", "defaultRequest", "defaultRequest", nil), ("defaultRequest", "max", "defaultRequest", nil),
            ("defaultRequest", "default", "defaultRequest", "default limit value"), ("min", "default", "default", nil),
            ("default", "max", "default", nil),
        ]
        for (lower, higher, field, word) in order {
            guard let low = amounts[lower], let high = amounts[higher], low > high else { continue }
            // Upstream shows the default request where it is at fault, and the bound where the default is.
            let shown = field == "default" ? (lower == "min" ? low : high) : amounts[field] ?? low
            errors.append(
                .invalid(
                    path.child(field).key(name), .string(shown.description),
                    "\(words[lower] ?? lower) \(low) is greater than \(word ?? words[higher] ?? higher) \(high)"))
        }
        if let ratio = amounts["maxLimitRequestRatio"] {
            let field = path.child("maxLimitRequestRatio").key(name)
            if ratio < Quantity(value: 1) { errors.append(.invalid(field, .string(ratio.description), "ratio \(ratio) is less than 1")) }
            if let low = amounts["min"], let high = amounts["max"] {
                let most = high.approximateDouble / low.approximateDouble
                if ratio.approximateDouble > most {
                    errors.append(
                        .invalid(field, .string(ratio.description), "ratio \(ratio) is greater than max/min = \(most.sixDecimals)"))
                }
            }
        }
        if !ResourceNames.isShared(name), let limit = amounts["default"], let request = amounts["defaultRequest"], limit != request {
            errors.append(
                .invalid(
                    path.child("defaultRequest").key(name), .string(request.description),
                    "default value \(limit) must equal to defaultRequest value \(request) in \(name)"))
        }
    }

    // MARK: Quotas

    private static let scopeResources: [String: Set<String>] = {
        let pods: Set = ["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"]
        return [
            "Terminating": pods, "NotTerminating": pods, "NotBestEffort": pods, "PriorityClass": pods, "CrossNamespacePodAffinity": pods,
            "BestEffort": ["pods"], "VolumeAttributesClass": ["persistentvolumeclaims", "requests.storage"],
        ]
    }()

    private static func scopes(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let resources = spec["hard"].fields.keys.filter(ResourceNames.isOfQuota).sorted()
        let list = path.child("scopes")
        for scope in spec["scopes"].elements {
            check(scope, resources, list, list, spec["scopes"], spec["scopes"], &errors)
        }
        conflicts(spec["scopes"].elements, list, spec["scopes"], &errors)
        let requirements = spec["scopeSelector"]["matchExpressions"].elements
        let field = path.child("scopeSelector", "matchExpressions")
        for requirement in requirements {
            check(
                requirement["scopeName"], resources, field.child("scopeName"), field, requirement["scopeName"], spec["scopeSelector"],
                &errors)
            check(requirement, field, &errors)
        }
        conflicts(requirements.map { $0["scopeName"] }, field, spec["scopes"], &errors)
    }

    private static func check(
        _ scope: Value, _ resources: [String], _ scopePath: FieldPath, _ listPath: FieldPath, _ shownScope: Value, _ shownList: Value,
        _ errors: inout [FieldError]
    ) {
        guard let valid = scopeResources[scope.string ?? ""] else {
            errors.append(.invalid(scopePath, shownScope, "unsupported scope"))
            return
        }
        for resource in resources where !valid.contains(resource) {
            errors.append(.invalid(listPath, shownList, "unsupported scope applied to resource"))
        }
    }

    private static func check(_ requirement: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let hasNoValue = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"]
        if hasNoValue.contains(requirement["scopeName"].string ?? ""), requirement["operator"].string != "Exists" {
            errors.append(
                .invalid(
                    path.child("operator"), requirement["operator"],
                    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
                ))
        }
        let values = requirement["values"]
        switch requirement["operator"].string {
        case "In", "NotIn":
            if values.isEmpty {
                errors.append(
                    .required(path.child("values"), "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                errors.append(
                    .invalid(
                        path.child("values"), values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"))
            }
        default: errors.append(.invalid(path.child("operator"), requirement["operator"], "not a valid selector operator"))
        }
    }

    private static func conflicts(_ scopes: [Value], _ path: FieldPath, _ shown: Value, _ errors: inout [FieldError]) {
        for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")]
        where scopes.contains(.string(one)) && scopes.contains(.string(other)) {
            errors.append(.invalid(path, shown, "conflicting scopes"))
        }
    }
}
