internal import OrderedCollections

extension TypeRules {
    static let container: [String: Rule] = [
        "core.v1.Container": { container, path, errors in
            if let image = container["image"].string, image != image.trimmed {
                errors.append(.invalid(path.child("image"), .string(image), "must not have leading or trailing whitespace"))
            }
            if container["restartPolicy"].isNull, !container["restartPolicyRules"].isEmpty {
                errors.append(.required(path.child("restartPolicy"), "must specify restartPolicy when restart rules are used"))
            }
            let isPrivileged = container["securityContext"]["privileged"].bool == true
            for mount in container["volumeMounts"].elements where mount["mountPropagation"].string == "Bidirectional" && !isPrivileged {
                errors.append(
                    .forbidden(
                        path.child("volumeMounts", "mountPropagation"),
                        "Bidirectional mount propagation is available only to privileged containers"))
            }
            unique(container["resizePolicy"].elements, "resourceName", path.child("resizePolicy"), &errors)
            for name in ["livenessProbe", "startupProbe"] {
                guard let threshold = container[name]["successThreshold"].int, threshold > 1 else { continue }
                errors.append(.invalid(path.child(name, "successThreshold"), .int(threshold), "must be 1"))
            }
            if !container["readinessProbe"]["terminationGracePeriodSeconds"].isNull {
                errors.append(
                    .invalid(
                        path.child("readinessProbe", "terminationGracePeriodSeconds"),
                        container["readinessProbe"]["terminationGracePeriodSeconds"],
                        "must not be set for readinessProbes"))
            }
            for name in ["livenessProbe", "readinessProbe", "startupProbe"] where !container[name].isNull {
                handler(container[name], ["exec", "httpGet", "tcpSocket", "grpc"], path.child(name), &errors)
            }
            for name in ["postStart", "preStop"] where !container["lifecycle"][name].isNull {
                handler(container["lifecycle"][name], ["exec", "httpGet", "tcpSocket", "sleep"], path.child("lifecycle", name), &errors)
            }
            ports(container["ports"].elements, path.child("ports"), &errors)
            resources(container["resources"], path.child("resources"), &errors)
        },
        "core.v1.EnvVar": { variable, path, errors in
            let source = variable["valueFrom"]
            guard !source.isNull else { return }
            let kinds = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"].filter { !source[$0].isNull }
            let field = path.child("valueFrom")
            if kinds.isEmpty {
                errors.append(
                    .invalid(
                        field, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")
                )
            }
            if kinds.count > 1 { errors.append(.invalid(field, "", "may not have more than one field specified at a time")) }
            if !variable["value"].isEmpty { errors.append(.invalid(field, "", "may not be specified when `value` is not empty")) }
            if let name = source["fieldRef"]["fieldPath"].string, !isPodField(name, inEnvironment: true) {
                errors.append(
                    .notSupported(
                        field.child("fieldRef", "fieldPath"), .string(name),
                        [
                            "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
                            "status.hostIP", "status.hostIPs", "status.podIP",
                            "status.podIPs",
                        ]))
            }
        },
        "core.v1.ContainerRestartRule": { rule, path, errors in
            if rule["exitCodes"].isNull { errors.append(.required(path.child("exitCodes"), "must be specified")) }
        },
        "core.v1.EnvFromSource": { source, path, errors in
            let kinds = ["configMapRef", "secretRef"].filter { !source[$0].isNull }
            if kinds.isEmpty { errors.append(.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")) }
            if kinds.count > 1 { errors.append(.invalid(path, "", "may not have more than one field specified at a time")) }
            for kind in kinds where source[kind]["name"].isEmpty { errors.append(.required(path.child(kind, "name"))) }
        },
        "core.v1.ContainerPort": { port, path, errors in
            if port["containerPort"].isEmpty { errors.append(.required(path.child("containerPort"))) }
        },
        "core.v1.ExecAction": { action, path, errors in
            if action["command"].elements.isEmpty { errors.append(.required(path.child("command"))) }
        },
        "core.v1.HTTPGetAction": { action, path, errors in
            for header in action["httpHeaders"].elements {
                let name = header["name"].string ?? ""
                Constraint.add(Names.headerName(name), .string(name), path.child("httpHeaders"), &errors)
            }
        },
    ]

    /// Whether the downward API knows the field.
    static func isPodField(_ name: String, inEnvironment: Bool) -> Bool {
        if name.hasPrefix("metadata.labels['") || name.hasPrefix("metadata.annotations['") { return name.hasSuffix("']") }
        if ["metadata.name", "metadata.namespace", "metadata.uid"].contains(name) { return true }
        if inEnvironment {
            return ["spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"]
                .contains(name)
        }
        return name == "metadata.labels" || name == "metadata.annotations"
    }

    private static func handler(_ holder: Value, _ kinds: [String], _ path: FieldPath, _ errors: inout [FieldError]) {
        let set = kinds.filter { !holder[$0].isNull }
        if set.isEmpty { errors.append(.required(path, "must specify a handler type")) }
        for extra in set.dropFirst() { errors.append(.forbidden(path.child(extra), "may not specify more than 1 handler type")) }
    }

    private static func ports(_ ports: [Value], _ path: FieldPath, _ errors: inout [FieldError]) {
        unique(ports, "name", path, &errors)
    }

    private static func resources(_ resources: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for list in ["limits", "requests"] {
            for name in resources[list].fields.keys {
                let field = path.child(list).key(name)
                Constraint.add(Names.qualifiedName(name), .string(name), field, &errors)
                if !name.contains("/") {
                    if !standard.contains(name), !name.hasPrefix("hugepages-") {
                        errors.append(.invalid(field, .string(name), "must be a standard resource type or fully qualified"))
                    }
                    if !standard.contains(name), !name.hasPrefix("hugepages-") {
                        errors.append(.invalid(field, .string(name), "must be a standard resource for containers"))
                    }
                }
            }
        }
        for (name, amount) in resources["requests"].fields {
            guard let request = try? Quantity(amount.string ?? ""), let limitText = resources["limits"][name].string,
                let limit = try? Quantity(limitText)
            else {
                // What cannot be shared needs a limit.
                if name.contains("/"), resources["limits"][name].isNull {
                    errors.append(.required(path.child("limits"), "Limit must be set for non overcommitable resources"))
                }
                continue
            }
            let overcommits = !name.contains("/") && !name.hasPrefix("hugepages-")
            if overcommits, request > limit {
                errors.append(.invalid(path.child("requests"), amount, "must be less than or equal to \(name) limit of \(limit)"))
            }
            if !overcommits, request != limit {
                errors.append(.invalid(path.child("requests"), amount, "must be equal to \(name) limit of \(limit)"))
            }
        }
    }

    private static let standard: Set<String> = ["cpu", "memory", "ephemeral-storage", "storage"]
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
