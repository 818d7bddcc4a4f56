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
            sources(container["envFrom"].elements, path.child("envFrom"), &errors)
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
            unique(container["ports"].elements, "name", path.child("ports"), &errors)
            ContainerResourceRules.check(container["resources"], path.child("resources"), &errors)
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
            DownwardAPIRules.check(source, .environment, field, &errors)
        },
        "core.v1.ConfigMapKeySelector": keySelector, "core.v1.SecretKeySelector": keySelector,
        "core.v1.ContainerRestartRule": { rule, path, errors in
            if rule["exitCodes"].isNull { errors.append(.required(path.child("exitCodes"), "must be specified")) }
        },
        "core.v1.EnvFromSource": { source, path, errors in
            let kinds = ["configMapRef", "secretRef"].filter { !source[$0].isNull }
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

    private static let keySelector: Rule = { selector, path, errors in
        let name = selector["name"].string ?? ""
        Constraint.add(Names.dnsSubdomain(name), .string(name), path.child("name"), &errors)
    }

    /// Upstream names the list where one of its sources is none, or two.
    private static func sources(_ sources: [Value], _ path: FieldPath, _ errors: inout [FieldError]) {
        for source in sources {
            switch (source["configMapRef"].isNull, source["secretRef"].isNull) {
            case (true, true): errors.append(.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
            case (false, false): errors.append(.invalid(path, "", "may not have more than one field specified at a time"))
            default: break
            }
        }
    }

    private static func handler(_ holder: Value, _ kinds: [String], _ path: FieldPath, _ errors: inout [FieldError]) {
        let set = kinds.filter { !holder[$0].isNull }
        if set.isEmpty { errors.append(.required(path, "must specify a handler type")) }
        for extra in set.dropFirst() { errors.append(.forbidden(path.child(extra), "may not specify more than 1 handler type")) }
    }
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
