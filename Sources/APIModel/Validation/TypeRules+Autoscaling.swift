extension TypeRules {
    /// By what HorizontalPodAutoscalers scale, and how fast. One walk, since upstream tells everything in the order of its own.
    static let autoscaling: [String: Rule] = [
        "autoscaling.v2.HorizontalPodAutoscalerSpec": { spec, path, errors in
            replicas(spec, path, &errors)
            reference(spec["scaleTargetRef"], path.child("scaleTargetRef"), needsGroup: true, &errors)
            for (index, metric) in spec["metrics"].elements.enumerated() {
                TypeRules.metric(metric, path.child("metrics").index(index), &errors)
            }
            let types = spec["metrics"].elements.compactMap { $0["type"].string }
            if spec["minReplicas"].int == 0, !types.contains("Object"), !types.contains("External") {
                let message = "must specify at least one Object or External metric to support scaling to zero replicas"
                errors.append(.forbidden(path.child("metrics"), message))
            }
            for direction in ["scaleUp", "scaleDown"] {
                scalingRules(spec["behavior"][direction], path.child("behavior", direction), &errors)
            }
        }
    ]

    private static func replicas(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (low, field) = (spec["minReplicas"].int, path.child("maxReplicas"))
        let high = spec["maxReplicas"].int ?? 0
        if high == 0 { errors.append(.required(field, "must be set and greater than 0")) }
        if high < 0 { errors.append(.invalid(field, .int(high), "must be greater than or equal to 1")) }
        if let low, high < low { errors.append(.invalid(field, .int(high), "must be greater than or equal to `minReplicas`")) }
    }

    private static func reference(_ target: Value, _ path: FieldPath, needsGroup: Bool, _ errors: inout [FieldError]) {
        for field in ["kind", "name"] { segment(target[field], path.child(field), "", &errors) }
        // The one kind that can be scaled and has no group.
        guard needsGroup, target["kind"].string != "ReplicationController", target["apiVersion"].string?.contains("/") != true else {
            return
        }
        let version = target["apiVersion"].string ?? ""
        errors.append(.invalid(path.child("apiVersion"), .string(version), "apiVersion must specify API group"))
    }

    /// A name that is part of a path.
    private static func segment(_ name: Value, _ path: FieldPath, _ missing: String, _ errors: inout [FieldError]) {
        let text = name.string ?? ""
        if text.isEmpty { return errors.append(.required(path, missing)) }
        Constraint.add(Names.pathSegment(text), name, path, &errors)
    }

    // MARK: Metrics

    /// The types of metrics with their fields, in the order in which upstream looks at them.
    private static let sources: KeyValuePairs<String, (field: String, check: Rule)> = [
        "Object": ("object", object), "External": ("external", external), "Pods": ("pods", pods), "Resource": ("resource", resource),
        "ContainerResource": ("containerResource", containerResource),
    ]

    private static func metric(_ metric: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let type = metric["type"].string ?? ""
        if type.isEmpty { errors.append(.required(path.child("type"), "must specify a metric source type")) }
        let refusal = FieldError.notSupported(path.child("type"), .string(type), sources.map(\.key).sorted())
        let own = sources.first { $0.key == type }?.value.field
        if own == nil { errors.append(refusal) }
        let given = sources.map(\.value).filter { !metric[$0.field].isNull }
        if let first = given.first { first.check(metric[first.field], path.child(first.field), &errors) }
        if let own, metric[own].isNull {
            errors.append(.required(path.child(own), "must populate information for the given metric source"))
        }
        // Upstream looks twice.
        if own == nil { errors.append(refusal) }
        guard given.count != 1 else { return }
        for source in given where source.field != own {
            errors.append(.forbidden(path.child(source.field), "must populate the given metric source only"))
        }
    }

    private static let object: Rule = { source, path, errors in
        reference(source["describedObject"], path.child("describedObject"), needsGroup: false, &errors)
        named(source, path, &errors)
        let target = source["target"]
        if target["value"].isNull, target["averageValue"].isNull {
            errors.append(.required(path.child("target", "averageValue"), "must set either a target value or averageValue"))
        }
    }

    private static let external: Rule = { source, path, errors in
        named(source, path, &errors)
        let target = source["target"]
        switch (target["value"].isNull, target["averageValue"].isNull) {
        case (true, true):
            let message = "must set either a target value for metric or a per-pod target"
            errors.append(.required(path.child("target", "averageValue"), message))
        case (false, false):
            errors.append(.forbidden(path.child("target", "value"), "may not set both a target value for metric and a per-pod target"))
        default: break
        }
    }

    private static let pods: Rule = { source, path, errors in
        named(source, path, &errors)
        guard source["target"]["averageValue"].isNull else { return }
        errors.append(.required(path.child("target", "averageValue"), "must specify a positive target averageValue"))
    }

    private static let containerResource: Rule = { source, path, errors in
        usage(source, path, container: true, &errors)
    }

    private static let resource: Rule = { source, path, errors in usage(source, path, container: false, &errors) }

    private static func usage(_ source: Value, _ path: FieldPath, container: Bool, _ errors: inout [FieldError]) {
        let name = source["name"].string ?? ""
        if name.isEmpty {
            errors.append(.required(path.child("name"), "must specify a resource name"))
        } else if container {
            ResourceNames.checkOfContainers(name, path.child("name"), &errors)
        }
        if container {
            let name = source["container"].string ?? ""
            if name.isEmpty {
                errors.append(.required(path.child("container"), "must specify a container"))
            } else {
                Constraint.add(Names.dnsLabel(name), .string(name), path.child("container"), &errors)
            }
        }
        target(source["target"], path.child("target"), &errors)
        let target = source["target"]
        switch (target["averageUtilization"].isNull, target["averageValue"].isNull) {
        case (true, true):
            let message = "must set either a target raw value or a target utilization"
            errors.append(.required(path.child("target", "averageUtilization"), message))
        case (false, false):
            errors.append(
                .forbidden(path.child("target", "averageValue"), "may not set both a target raw value and a target utilization"))
        default: break
        }
    }

    /// A source that names its metric.
    private static func named(_ source: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        segment(source["metric"]["name"], path.child("metric", "name"), "must specify a metric name", &errors)
        target(source["target"], path.child("target"), &errors)
    }

    private static func target(_ target: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let type = target["type"].string ?? ""
        if type.isEmpty { errors.append(.required(path.child("type"), "must specify a metric target type")) }
        if !["Utilization", "Value", "AverageValue"].contains(type) {
            errors.append(.invalid(path.child("type"), .string(type), "must be either Utilization, Value, or AverageValue"))
        }
        for field in ["value", "averageValue"] {
            guard let text = target[field].string, let quantity = try? Quantity(text), quantity.signum <= 0 else { continue }
            errors.append(.invalid(path.child(field), target[field], "must be positive"))
        }
        if let utilization = target["averageUtilization"].int, utilization < 1 {
            errors.append(.invalid(path.child("averageUtilization"), target["averageUtilization"], "must be greater than 0"))
        }
    }

    // MARK: Behavior

    private static func scalingRules(_ rules: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !rules.isNull else { return }
        limits(rules, "stabilizationWindowSeconds", path, atLeast: 0, "must be greater than or equal to zero", atMost: 3600, &errors)
        let choices = ["Disabled", "Max", "Min"]
        if let select = rules["selectPolicy"].string, !choices.contains(select) {
            errors.append(.notSupported(path.child("selectPolicy"), .string(select), choices))
        }
        let policies = rules["policies"].elements
        if policies.isEmpty { errors.append(.required(path.child("policies"), "must specify at least one Policy")) }
        for (index, policy) in policies.enumerated() {
            let path = path.child("policies").index(index)
            let (type, types) = (policy["type"].string ?? "", ["Percent", "Pods"])
            if !types.contains(type) { errors.append(.notSupported(path.child("type"), .string(type), types)) }
            limits(policy, "value", path, atLeast: 1, "must be greater than zero", atMost: .max, &errors)
            limits(policy, "periodSeconds", path, atLeast: 1, "must be greater than zero", atMost: 1800, &errors)
        }
        if let text = rules["tolerance"].string, let tolerance = try? Quantity(text), tolerance.signum < 0 {
            errors.append(.invalid(path.child("tolerance"), rules["tolerance"], "must be greater than or equal to 0"))
        }
    }

    /// An absent number is 0 where it has to be more.
    private static func limits(
        _ object: Value, _ field: String, _ path: FieldPath, atLeast low: Whole, _ tooLow: String, atMost high: Whole,
        _ errors: inout [FieldError]
    ) {
        let number = object[field].int ?? 0
        if number < low { errors.append(.invalid(path.child(field), .int(number), tooLow)) }
        if number > high { errors.append(.invalid(path.child(field), .int(number), "must be less than or equal to \(high)")) }
    }
}
