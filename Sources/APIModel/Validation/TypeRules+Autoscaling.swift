extension TypeRules {
    /// By what HorizontalPodAutoscalers scale, and how fast.
    static let autoscaling: [String: Rule] = [
        "autoscaling.v2.HorizontalPodAutoscalerSpec": bounds,
        "autoscaling.v2.MetricSpec": { metric, path, errors in
            let types = sources.keys.sorted()
            guard let type = metric["type"].string, let source = sources[type] else {
                // Upstream looks twice.
                let refusal = FieldError.notSupported(path.child("type"), .string(metric["type"].string ?? ""), types)
                errors += [refusal, refusal]
                return
            }
            if metric[source].isNull {
                errors.append(.required(path.child(source), "must populate information for the given metric source"))
            }
            for (other, field) in sources.sorted(by: { $0.key < $1.key }) where other != type && !metric[field].isNull {
                errors.append(.forbidden(path.child(field), "must populate the given metric source only"))
            }
        },
        "autoscaling.v2.ResourceMetricSource": resourceMetric, "autoscaling.v2.ContainerResourceMetricSource": resourceMetric,
        "autoscaling.v2.PodsMetricSource": { source, path, errors in
            if source["target"]["averageValue"].isNull {
                errors.append(
                    .required(path.child("target", "averageValue"), "must specify a positive target averageValue"))
            }
        },
        "autoscaling.v2.ObjectMetricSource": { source, path, errors in
            let target = source["target"]
            if target["value"].isNull, target["averageValue"].isNull {
                errors.append(.required(path.child("target", "averageValue"), "must set either a target value or averageValue"))
            }
        },
        "autoscaling.v2.ExternalMetricSource": { source, path, errors in
            let target = source["target"]
            let message = "must set either a target value for metric or a per-pod target"
            switch (target["value"].isNull, target["averageValue"].isNull) {
            case (true, true): errors.append(.required(path.child("target", "averageValue"), message))
            case (false, false):
                errors.append(.forbidden(path.child("target", "value"), "may not set both a target value for metric and a per-pod target"))
            default: break
            }
        },
        "autoscaling.v2.MetricTarget": { target, path, errors in
            if let type = target["type"].string, !type.isEmpty, !["Utilization", "Value", "AverageValue"].contains(type) {
                errors.append(.invalid(path.child("type"), .string(type), "must be either Utilization, Value, or AverageValue"))
            }
            if let utilization = target["averageUtilization"].int, utilization < 1 {
                errors.append(.invalid(path.child("averageUtilization"), target["averageUtilization"], "must be greater than 0"))
            }
            for field in ["value", "averageValue"] {
                guard let text = target[field].string, let quantity = try? Quantity(text), quantity.signum <= 0 else { continue }
                errors.append(.invalid(path.child(field), target[field], "must be positive"))
            }
        },
        "autoscaling.v2.HPAScalingRules": { rules, path, errors in
            if rules["policies"].elements.isEmpty {
                errors.append(.required(path.child("policies"), "must specify at least one Policy"))
            }
        },
    ]

    private static let bounds: Rule = { spec, path, errors in
        let (low, field) = (spec["minReplicas"].int, path.child("maxReplicas"))
        let high = spec["maxReplicas"].int ?? 0
        if high == 0 { errors.append(.required(field, "must be set and greater than 0")) }
        if high < 0 { errors.append(.invalid(field, .int(high), "must be greater than or equal to 1")) }
        if let low, high < low { errors.append(.invalid(field, .int(high), "must be greater than or equal to `minReplicas`")) }
        let types = spec["metrics"].elements.compactMap { $0["type"].string }
        if low == 0, !types.contains("Object"), !types.contains("External") {
            let message = "must specify at least one Object or External metric to support scaling to zero replicas"
            errors.append(.forbidden(path.child("metrics"), message))
        }
        let target = spec["scaleTargetRef"]
        // The one kind that can be scaled and has no group.
        if target["kind"].string != "ReplicationController", target["apiVersion"].string?.contains("/") != true {
            let version = target["apiVersion"].string ?? ""
            errors.append(.invalid(path.child("scaleTargetRef", "apiVersion"), .string(version), "apiVersion must specify API group"))
        }
    }

    /// The field of each type of metric.
    private static let sources = [
        "ContainerResource": "containerResource", "External": "external", "Object": "object", "Pods": "pods", "Resource": "resource",
    ]

    private static let resourceMetric: Rule = { source, path, errors in
        let target = source["target"]
        switch (target["averageUtilization"].isNull, target["averageValue"].isNull) {
        case (true, true):
            errors.append(
                .required(path.child("target", "averageUtilization"), "must set either a target raw value or a target utilization"))
        case (false, false):
            errors.append(
                .forbidden(path.child("target", "averageValue"), "may not set both a target raw value and a target utilization"))
        default: break
        }
    }
}
