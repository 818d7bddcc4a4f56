internal import OrderedCollections

extension Printers {
    static let workloads: [String: Printer] = [
        "/Pod": pod,
        "/PodTemplate": { object, _ in
            template(object["template"]["spec"], ["Pod Labels": labels(object["template"]["metadata"]["labels"])])
        },
        "/ReplicationController": { object, _ in
            template(object["spec"]["template"]["spec"], replicas(object).merging(["Selector": labels(object["spec"]["selector"])]) { $1 })
        },
        "apps/ReplicaSet": { object, _ in
            template(
                object["spec"]["template"]["spec"], replicas(object).merging(["Selector": selector(object["spec"]["selector"])]) { $1 })
        },
        "apps/Deployment": { object, _ in
            template(
                object["spec"]["template"]["spec"],
                [
                    "Ready": ready(object), "Up-to-date": count(object["status"]["updatedReplicas"]),
                    "Available": count(object["status"]["availableReplicas"]),
                    "Selector": selector(object["spec"]["selector"]),
                ])
        },
        "apps/StatefulSet": { object, _ in template(object["spec"]["template"]["spec"], ["Ready": ready(object)]) },
        "apps/DaemonSet": { object, _ in
            let status = object["status"]
            return template(
                object["spec"]["template"]["spec"],
                [
                    "Desired": count(status["desiredNumberScheduled"]), "Current": count(status["currentNumberScheduled"]),
                    "Ready": count(status["numberReady"]),
                    "Up-to-date": count(status["updatedNumberScheduled"]), "Available": count(status["numberAvailable"]),
                    "Node Selector": labels(object["spec"]["template"]["spec"]["nodeSelector"]),
                    "Selector": selector(object["spec"]["selector"]),
                ])
        },
        "apps/ControllerRevision": { object, _ in
            let owner = object["metadata"]["ownerReferences"].elements.first { $0["controller"].bool == true } ?? .null
            let group = owner["apiVersion"].string.flatMap { GroupVersion($0) }?.group ?? ""
            let kind = (owner["kind"].string ?? "").lowercased()
            return [
                "Controller": .string(owner.isNull ? none : "\(group.isEmpty ? kind : "\(kind).\(group)")/\(owner["name"].string ?? "")"),
                "Revision": count(object["revision"]),
            ]
        },
        "batch/Job": job,
        "batch/CronJob": { object, context in
            let spec = object["spec"]
            let last = object["status"]["lastScheduleTime"]
            return template(
                spec["jobTemplate"]["spec"]["template"]["spec"],
                [
                    "Schedule": text(spec["schedule"]), "Timezone": text(spec["timeZone"], or: none),
                    "Suspend": optionalBoolean(spec["suspend"]),
                    "Active": .int(Int64(object["status"]["active"].elements.count)),
                    "Last Schedule": .string(last.isNull ? none : context.since(last)),
                    "Selector": selector(spec["jobTemplate"]["spec"]["selector"]),
                ])
        },
        "autoscaling/HorizontalPodAutoscaler": { object, _ in
            let spec = object["spec"]
            let target = spec["scaleTargetRef"]
            return [
                "Reference": .string("\(target["kind"].string ?? "")/\(target["name"].string ?? "")"),
                "Targets": .string(MetricTargets.text(object)),
                "MinPods": intOrString(spec["minReplicas"], or: unset), "MaxPods": count(spec["maxReplicas"]),
                "Replicas": count(object["status"]["currentReplicas"]),
            ]
        },
        "autoscaling/Scale": { object, _ in
            ["Desired": count(object["spec"]["replicas"]), "Available": count(object["status"]["replicas"])]
        },
    ]

    private static func ready(_ object: Value) -> Value {
        .string("\(object["status"]["readyReplicas"].int ?? 0)/\(object["spec"]["replicas"].int ?? 0)")
    }

    private static func replicas(_ object: Value) -> [String: Value] {
        [
            "Desired": count(object["spec"]["replicas"]), "Current": count(object["status"]["replicas"]),
            "Ready": count(object["status"]["readyReplicas"]),
        ]
    }

    private static let job: Printer = { object, context in
        let spec = object["spec"]
        let status = object["status"]
        func holds(_ type: String) -> Bool { condition(object, type)["status"].string == "True" }
        let state =
            holds("Complete")
            ? "Complete"
            : holds("Failed")
                ? "Failed"
                : !object["metadata"]["deletionTimestamp"].isNull
                    ? "Terminating"
                    : holds("Suspended")
                        ? "Suspended"
                        : holds("FailureTarget") ? "FailureTarget" : holds("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running"

        let succeeded = status["succeeded"].int ?? 0
        let parallelism = spec["parallelism"].int ?? 0
        let completions =
            spec["completions"].int.map { "\(succeeded)/\($0)" }
            ?? (parallelism > 1 ? "\(succeeded)/1 of \(parallelism)" : "\(succeeded)/1")

        var duration = ""
        if let start = status["startTime"].string.flatMap({ Timestamp.parse($0) }) {
            let end = status["completionTime"].string.flatMap { Timestamp.parse($0) }?.seconds ?? context.now
            duration = HumanDuration.text(seconds: end - start.seconds)
        }
        return template(
            spec["template"]["spec"],
            [
                "Status": .string(state), "Completions": .string(completions), "Duration": .string(duration),
                "Selector": selector(spec["selector"]),
            ])
    }
}

/// The Targets of a HorizontalPodAutoscaler, of either version: `cpu: 12%/80%`.
private enum MetricTargets {
    static func text(_ object: Value) -> String {
        let spec = object["spec"]
        if let target = spec["targetCPUUtilizationPercentage"].int {
            let current = object["status"]["currentCPUUtilizationPercentage"].int.map { "\($0)%" } ?? Printers.unknown
            return "cpu: \(current)/\(target)%"
        }
        let metrics = spec["metrics"].elements
        if metrics.isEmpty { return Printers.none }
        let current = object["status"]["currentMetrics"].elements
        let texts = metrics.enumerated().map { index, metric in one(metric, index < current.count ? current[index] : .null) }
        return texts.count > 2 ? texts.prefix(2).joined(separator: ", ") + " + \(texts.count - 2) more..." : texts.joined(separator: ", ")
    }

    private static func one(_ metric: Value, _ status: Value) -> String {
        let type = metric["type"].string ?? ""
        let field = type.prefix(1).lowercased() + type.dropFirst()
        let target = metric[field]["target"]
        let current = status[field]["current"]
        let name = type == "Resource" || type == "ContainerResource" ? "\(metric[field]["name"].string ?? ""): " : ""
        if let average = target["averageValue"].string {
            let suffix = type == "Object" || type == "External" ? " (avg)" : ""
            return "\(name)\(current["averageValue"].string ?? Printers.unknown)/\(average)\(suffix)"
        }
        if type == "Resource" || type == "ContainerResource" {
            let wanted = target["averageUtilization"].int.map { "\($0)%" } ?? "<auto>"
            return "\(name)\(current["averageUtilization"].int.map { "\($0)%" } ?? Printers.unknown)/\(wanted)"
        }
        return "\(current["value"].string ?? Printers.unknown)/\(target["value"].string ?? "")"
    }
}
