internal import OrderedCollections

extension TypeRules {
    static let workload: [String: Rule] = [
        "apps.v1.DeploymentSpec": { spec, path, errors in
            selector(spec, path, "deployment", &errors)
            alwaysRestarts(spec["template"], "ReplicaSet", path.child("template"), &errors)
            if let deadline = spec["progressDeadlineSeconds"].int, deadline <= spec["minReadySeconds"].int ?? 0 {
                errors.append(.invalid(path.child("progressDeadlineSeconds"), .int(deadline), "must be greater than minReadySeconds"))
            }
            let given = spec["strategy"]
            switch given["type"].string {
            case "RollingUpdate": break
            case "Recreate":
                if !given["rollingUpdate"].isNull {
                    errors.append(
                        .forbidden(path.child("strategy", "rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'"))
                }
            default: errors.append(.notSupported(path.child("strategy"), strategy(given), ["Recreate", "RollingUpdate"]))
            }
            let rolling = given["rollingUpdate"]
            if isZero(rolling["maxUnavailable"]), isZero(rolling["maxSurge"]) {
                errors.append(
                    .invalid(
                        path.child("strategy", "rollingUpdate", "maxUnavailable"), rolling["maxUnavailable"],
                        "may not be 0 when `maxSurge` is 0"))
            }
        },
        "apps.v1.ReplicaSetSpec": { spec, path, errors in
            selector(spec, path, "deployment", &errors)
            alwaysRestarts(spec["template"], "ReplicaSet", path.child("template"), &errors)
        },
        "apps.v1.DaemonSetSpec": { spec, path, errors in
            selector(spec, path, "daemonset", isRequired: false, &errors)
            alwaysRestarts(spec["template"], "DaemonSet", path.child("template"), &errors)
            let rolling = spec["updateStrategy"]["rollingUpdate"]
            if spec["updateStrategy"]["type"].string != "RollingUpdate" {
                guard spec["updateStrategy"]["type"].string != "OnDelete" else { return }
                errors.append(.notSupported(path.child("updateStrategy"), strategy(spec["updateStrategy"]), ["RollingUpdate", "OnDelete"]))
                return
            }
            let field = path.child("updateStrategy", "rollingUpdate")
            if isZero(rolling["maxUnavailable"]), isZero(rolling["maxSurge"]) {
                errors.append(.required(field.child("maxUnavailable"), "cannot be 0 when maxSurge is 0"))
            }
            if !isZero(rolling["maxUnavailable"]), !rolling["maxSurge"].isNull, !isZero(rolling["maxSurge"]) {
                errors.append(.invalid(field.child("maxSurge"), rolling["maxSurge"], "may not be set when maxUnavailable is non-zero"))
            }
        },
        "apps.v1.StatefulSetSpec": { spec, path, errors in
            selector(spec, path, "statefulset", &errors)
            alwaysRestarts(spec["template"], "StatefulSet", path.child("template"), &errors)
            // Upstream looks at them twice.
            Constraint.labels(spec["template"]["metadata"]["labels"], path.child("template", "labels"), &errors)
            ObjectMetaRules.annotations(spec["template"]["metadata"]["annotations"], path.child("template", "annotations"), &errors)
            if let name = spec["serviceName"].string, !name.isEmpty {
                Constraint.add(Names.dnsLabel(name), .string(name), path.child("serviceName"), &errors)
            }
            let policy = spec["podManagementPolicy"]
            if !["OrderedReady", "Parallel"].contains(policy.string ?? "") {
                errors.append(.invalid(path.child("podManagementPolicy"), policy, "must be 'OrderedReady' or 'Parallel'"))
            }
            let (update, field) = (spec["updateStrategy"], path.child("updateStrategy"))
            switch update["type"].string {
            case "RollingUpdate":
                if isZero(update["rollingUpdate"]["maxUnavailable"]) {
                    let most = update["rollingUpdate"]["maxUnavailable"]
                    errors.append(.invalid(field.child("rollingUpdate", "maxUnavailable"), most, "cannot be 0"))
                }
            case "OnDelete":
                guard !update["rollingUpdate"].isNull else { break }
                let message = "only allowed for updateStrategy 'RollingUpdate'"
                errors.append(
                    .invalid(
                        field.child("rollingUpdate"),
                        GoStructure.show(update["rollingUpdate"], zero: ["partition": 0, "maxUnavailable": .null]), message))
            default: errors.append(.invalid(field, strategy(update), "must be 'RollingUpdate' or 'OnDelete'"))
            }
        },
        "policy.v1.PodDisruptionBudgetSpec": { spec, path, errors in
            guard !spec["minAvailable"].isNull, !spec["maxUnavailable"].isNull else { return }
            let zero: GoStructure.Zero = [
                "minAvailable": .null, "selector": .null, "maxUnavailable": .null, "unhealthyPodEvictionPolicy": .null,
            ]
            let shown = GoStructure.show(spec, zero: zero)
            errors.append(.invalid(path, shown, "minAvailable and maxUnavailable cannot be both set"))
        },
        "core.v1.ReplicationControllerSpec": { spec, path, errors in
            let labels = spec["selector"]
            if labels.isEmpty { errors.append(.required(path.child("selector"))) }
            if spec["template"].isNull {
                errors.append(.required(path.child("template")))
                return
            }
            let templateLabels = spec["template"]["metadata"]["labels"]
            if !labels.isEmpty, !LabelSelector(labels: labels.strings).matches(templateLabels.strings) {
                errors.append(
                    .invalid(path.child("template", "metadata", "labels"), templateLabels, "`selector` does not match template `labels`"))
            }
            alwaysRestarts(spec["template"], "ReplicationController", path.child("template"), &errors)
        },
    ]

    /// An update strategy as Go shows it.
    private static func strategy(_ strategy: Value) -> Value { GoStructure.show(strategy, zero: ["type": "", "rollingUpdate": .null]) }

    /// The selector must be there, select something, and select the pods the template makes.
    private static func selector(
        _ spec: Value, _ path: FieldPath, _ kind: String, isRequired: Bool = true, _ errors: inout [FieldError]
    ) {
        let labels = spec["template"]["metadata"]["labels"]
        if spec["selector"].isNull {
            if isRequired { errors.append(.required(path.child("selector"))) }
        } else if spec["selector"]["matchLabels"].isEmpty, spec["selector"]["matchExpressions"].isEmpty {
            errors.append(.invalid(path.child("selector"), spec["selector"], "empty selector is invalid for \(kind)"))
            return
        }
        guard isSelector(spec["selector"]), let wanted = try? LabelSelector(spec["selector"]) else {
            let words = ["deployment": "invalid label selector", "statefulset": ""]
            if let detail = words[kind] { errors.append(.invalid(path.child("selector"), spec["selector"], detail)) }
            return
        }
        if !wanted.matches(labels.strings) {
            errors.append(
                .invalid(
                    path.child("template", "metadata", "labels"), labels.isNull ? .emptyObject : labels,
                    "`selector` does not match template `labels`"))
        }
    }

    private static func alwaysRestarts(_ template: Value, _ kind: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let policy = template["spec"]["restartPolicy"]
        if let text = policy.string, text == "Never" || text == "OnFailure" {
            errors.append(.notSupported(path.child("spec", "restartPolicy"), policy, ["Always"]))
        }
        if !template["spec"]["activeDeadlineSeconds"].isNull {
            errors.append(.forbidden(path.child("spec", "activeDeadlineSeconds"), "activeDeadlineSeconds in \(kind) is not Supported"))
        }
    }

    /// Whether it comes to nothing, as what is no number does.
    private static func isZero(_ value: Value) -> Bool {
        switch IntOrPercent(value) {
        case .count(let number), .percent(let number): number == 0
        case nil: !value.isNull
        }
    }
}
