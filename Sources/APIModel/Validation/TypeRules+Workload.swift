extension TypeRules {
    static let workload: [String: Rule] = [
        "apps.v1.DeploymentSpec": { spec, path, errors in
            selector(spec, path, "deployment", &errors)
            alwaysRestarts(spec["template"], path.child("template"), &errors)
            if let deadline = spec["progressDeadlineSeconds"].int, deadline <= spec["minReadySeconds"].int ?? 0 {
                errors.append(.invalid(path.child("progressDeadlineSeconds"), .int(deadline), "must be greater than minReadySeconds"))
            }
            let strategy = spec["strategy"]
            if strategy["type"].string == "Recreate", !strategy["rollingUpdate"].isNull {
                errors.append(
                    .forbidden(path.child("strategy", "rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'"))
            }
            let rolling = strategy["rollingUpdate"]
            if isZero(rolling["maxUnavailable"]), isZero(rolling["maxSurge"]) {
                errors.append(
                    .invalid(
                        path.child("strategy", "rollingUpdate", "maxUnavailable"), rolling["maxUnavailable"],
                        "may not be 0 when `maxSurge` is 0"))
            }
        },
        "apps.v1.ReplicaSetSpec": { spec, path, errors in
            selector(spec, path, "deployment", &errors)
            alwaysRestarts(spec["template"], path.child("template"), &errors)
        },
        "apps.v1.DaemonSetSpec": { spec, path, errors in
            selector(spec, path, "daemonset", &errors)
            alwaysRestarts(spec["template"], path.child("template"), &errors)
            let rolling = spec["updateStrategy"]["rollingUpdate"]
            guard spec["updateStrategy"]["type"].string == "RollingUpdate" else { return }
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
            alwaysRestarts(spec["template"], path.child("template"), &errors)
            if let name = spec["serviceName"].string, !name.isEmpty {
                Constraint.add(Names.dnsSubdomain(name), .string(name), path.child("serviceName"), &errors)
            }
            if spec["updateStrategy"]["type"].string == "OnDelete", !spec["updateStrategy"]["rollingUpdate"].isNull {
                errors.append(
                    .invalid(
                        path.child("updateStrategy", "rollingUpdate"), spec["updateStrategy"]["rollingUpdate"],
                        "only allowed for updateStrategy 'RollingUpdate'"))
            }
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
            alwaysRestarts(spec["template"], path.child("template"), &errors)
        },
        "batch.v1.JobSpec": { spec, path, errors in
            let field = path.child("template", "spec", "restartPolicy")
            switch spec["template"]["spec"]["restartPolicy"].string {
            case nil, "Always": errors.append(.required(field, "valid values: \"OnFailure\", \"Never\""))
            case "OnFailure", "Never": break
            case let other: errors.append(.notSupported(field, .string(other ?? ""), ["OnFailure", "Never"]))
            }
            if spec["completionMode"].string == "Indexed", spec["completions"].isNull {
                errors.append(.required(path.child("completions"), "when completion mode is Indexed"))
            }
            if let backoff = spec["backoffLimitPerIndex"].int, spec["completionMode"].string != "Indexed" {
                errors.append(.invalid(path.child("backoffLimitPerIndex"), .int(backoff), "requires indexed completion mode"))
            }
            if !spec["selector"].isNull, let wanted = try? LabelSelector(spec["selector"]),
                !wanted.matches(spec["template"]["metadata"]["labels"].strings)
            {
                errors.append(
                    .invalid(
                        path.child("template", "metadata", "labels"), spec["template"]["metadata"]["labels"],
                        "`selector` does not match template `labels`"))
            }
        },
        "batch.v1.CronJobSpec": { spec, path, errors in
            let schedule = spec["schedule"].string ?? ""
            let hasZone = schedule.hasPrefix("TZ=") || schedule.hasPrefix("CRON_TZ=") || schedule.contains(" TZ=")
            if hasZone {
                errors.append(
                    .invalid(path.child("schedule"), .string(schedule), "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"))
            } else if !schedule.isEmpty, let problem = CronSchedule.problem(schedule) {
                errors.append(.invalid(path.child("schedule"), .string(schedule), problem))
            }
            if let zone = spec["timeZone"].string {
                if zone.isEmpty { errors.append(.invalid(path.child("timeZone"), "", "timeZone must be nil or non-empty string")) }
                if zone.lowercased() == "local" {
                    errors.append(
                        .invalid(
                            path.child("timeZone"), .string(zone),
                            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"))
                }
            }
        },
    ]

    /// The selector must be there, select something, and select the pods the template makes.
    private static func selector(_ spec: Value, _ path: FieldPath, _ kind: String, _ errors: inout [FieldError]) {
        let labels = spec["template"]["metadata"]["labels"]
        if spec["selector"].isNull {
            errors.append(.required(path.child("selector")))
        } else if spec["selector"]["matchLabels"].isEmpty, spec["selector"]["matchExpressions"].isEmpty {
            errors.append(.invalid(path.child("selector"), spec["selector"], "empty selector is invalid for \(kind)"))
            return
        }
        guard let wanted = try? LabelSelector(spec["selector"]) else { return }
        if !wanted.matches(labels.strings) {
            errors.append(
                .invalid(
                    path.child("template", "metadata", "labels"), labels.isNull ? .emptyObject : labels,
                    "`selector` does not match template `labels`"))
        }
    }

    private static func alwaysRestarts(_ template: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let policy = template["spec"]["restartPolicy"]
        if let text = policy.string, text == "Never" || text == "OnFailure" {
            errors.append(.notSupported(path.child("spec", "restartPolicy"), policy, ["Always"]))
        }
        if !template["spec"]["activeDeadlineSeconds"].isNull {
            errors.append(.forbidden(path.child("spec", "activeDeadlineSeconds"), "activeDeadlineSeconds in ReplicaSet is not Supported"))
        }
    }

    private static func isZero(_ value: Value) -> Bool { value.int == 0 || value.string == "0%" || value.string == "0" }
}
