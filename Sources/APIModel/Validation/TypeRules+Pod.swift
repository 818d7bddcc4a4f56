internal import OrderedCollections

extension TypeRules {
    static let pod: [String: Rule] = [
        "core.v1.PodSpec": { spec, path, errors in
            let containers = spec["containers"].elements
            if containers.isEmpty { errors.append(.required(path.child("containers"))) }
            TypeRules.unique(spec["volumes"].elements, "name", path.child("volumes"), &errors)
            containerNames(spec, path, &errors)
            mounts(spec, path, &errors)
            hostPorts(spec, path, &errors)
            hostSharing(spec, path, &errors)
            PodResourceRules.check(spec, path, &errors)
            sleeps(spec, path, &errors)
            for (index, container) in spec["initContainers"].elements.enumerated() {
                initContainer(container, path.child("initContainers").index(index), &errors)
            }
            for list in ["containers", "ephemeralContainers"] {
                for (index, container) in spec[list].elements.enumerated() where container["image"].isEmpty {
                    errors.append(.required(path.child(list).index(index).child("image")))
                }
            }
            if spec["dnsPolicy"].string == "None", spec["dnsConfig"]["nameservers"].elements.isEmpty {
                errors.append(
                    .required(
                        path.child("dnsConfig", "nameservers"),
                        spec["dnsConfig"].isNull
                            ? "must provide `dnsConfig` when `dnsPolicy` is None"
                            : "must provide at least one DNS nameserver when `dnsPolicy` is None"))
            }
            hostnameOverride(spec, path, &errors)
            files(spec, path, &errors)
            if spec["shareProcessNamespace"].bool == true, spec["hostPID"].bool == true {
                errors.append(
                    .invalid(path.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled"))
            }
            TypeRules.unique(spec["schedulingGates"].elements, "name", path.child("schedulingGates"), &errors)
            TypeRules.unique(spec["resourceClaims"].elements, "name", path.child("resourceClaims"), &errors)
        },
        "core.v1.PodTemplateSpec": { template, path, errors in
            Constraint.labels(template["metadata"]["labels"], path.child("labels"), &errors)
            ObjectMetaRules.annotations(template["metadata"]["annotations"], path.child("annotations"), &errors)
            PodAnnotations.check(template["metadata"]["annotations"], template["spec"], path.child("annotations"), &errors)
            if template["spec"].isNull { errors.append(.required(path.child("spec", "containers"))) }
            if !template["spec"]["ephemeralContainers"].isEmpty {
                errors.append(.forbidden(path.child("spec", "ephemeralContainers"), "ephemeral containers not allowed in pod template"))
            }
        },
        "core.v1.Toleration": { toleration, path, errors in
            let key = toleration["key"].string ?? ""
            let symbol = toleration["operator"].string ?? ""
            if key.isEmpty, symbol != "Exists" {
                errors.append(
                    .invalid(
                        path.child("operator"), .string(symbol),
                        "operator must be Exists when `key` is empty, which means \"match all values and all keys\""))
            }
            if !toleration["tolerationSeconds"].isNull, toleration["effect"].string != "NoExecute" {
                errors.append(
                    .invalid(
                        path.child("effect"), toleration["effect"].isNull ? "" : toleration["effect"],
                        "effect must be 'NoExecute' when `tolerationSeconds` is set"))
            }
            switch symbol {
            case "", "Equal":
                if let value = toleration["value"].string {
                    Constraint.add(Names.labelValue(value), .string(value), path.child("operator"), &errors)
                }
            case "Exists":
                if !toleration["value"].isEmpty {
                    errors.append(.invalid(path.child("operator"), toleration, "value must be empty when `operator` is 'Exists'"))
                }
            case "Lt", "Gt":
                if Int64(toleration["value"].string ?? "") == nil {
                    errors.append(
                        .invalid(path.child("value"), toleration["value"], "value must be an integer when `operator` is '\(symbol)'"))
                }
            default: errors.append(.notSupported(path.child("operator"), .string(symbol), ["Equal", "Exists", "Lt", "Gt"]))
            }
        },
        "core.v1.TopologySpreadConstraint": { constraint, path, errors in
            if !constraint["minDomains"].isNull, constraint["whenUnsatisfiable"].string != "DoNotSchedule" {
                errors.append(
                    .invalid(
                        path.child("minDomains"), constraint["minDomains"],
                        "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(constraint["whenUnsatisfiable"].string ?? "")"))
            }
            if constraint["maxSkew"].isNull { errors.append(.invalid(path.child("maxSkew"), 0, "must be greater than zero")) }
        },
    ]

    private static func containerNames(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        var seen: Set<String> = []
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            for (index, container) in spec[list].elements.enumerated() {
                guard let name = container["name"].string, !name.isEmpty else { continue }
                if !seen.insert(name).inserted { errors.append(.duplicate(path.child(list).index(index).child("name"), .string(name))) }
            }
        }
    }

    private static func mounts(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let volumes = Set(spec["volumes"].elements.compactMap { $0["name"].string })
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in spec[list].elements.enumerated() {
                let field = path.child(list).index(index).child("volumeMounts")
                var paths: Set<String> = []
                for (number, mount) in container["volumeMounts"].elements.enumerated() {
                    if let name = mount["name"].string, !name.isEmpty, !volumes.contains(name) {
                        errors.append(.notFound(field.index(number).child("name"), .string(name)))
                    }
                    if let target = mount["mountPath"].string, !target.isEmpty, !paths.insert(target).inserted {
                        errors.append(.invalid(field.index(number).child("mountPath"), .string(target), "must be unique"))
                    }
                }
            }
        }
    }

    private static func hostnameOverride(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !spec["hostnameOverride"].isNull else { return }
        for (field, isSet) in [("setHostnameAsFQDN", spec["setHostnameAsFQDN"].bool), ("hostNetwork", spec["hostNetwork"].bool)]
        where isSet == true {
            errors.append(.forbidden(path.child("hostnameOverride"), "may not be specified when \(field) is true"))
        }
        if spec["hostnameOverride"].string?.utf8.count ?? 0 > 64 { errors.append(.tooLong(path.child("hostnameOverride"), limit: 64)) }
    }

    /// Variables can be read from files of volumes that are the pod's own.
    private static func files(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let volumes = Dictionary(spec["volumes"].elements.map { ($0["name"].string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in spec[list].elements.enumerated() {
                for (number, variable) in container["env"].elements.enumerated() {
                    guard let name = variable["valueFrom"]["fileKeyRef"]["volumeName"].string else { continue }
                    let field = path.child(list).index(index).child("env").index(number).child("valueFrom", "fileKeyRef", "volumeName")
                    guard let volume = volumes[name] else {
                        errors.append(.notFound(field, .string(name)))
                        continue
                    }
                    if volume["emptyDir"].isNull {
                        errors.append(.invalid(field, .string(name), "referenced volume must be of type emptyDir"))
                    }
                }
            }
        }
    }

    /// A hook that sleeps has to end within the pod's time.
    private static func sleeps(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let grace = spec["terminationGracePeriodSeconds"].int else { return }
        for list in ["initContainers", "containers"] {
            for (index, container) in spec[list].elements.enumerated() {
                for hook in ["postStart", "preStop"] {
                    guard let seconds = container["lifecycle"][hook]["sleep"]["seconds"].int, seconds < 0 || seconds > grace else {
                        continue
                    }
                    errors.append(
                        .invalid(
                            path.child(list).index(index).child("lifecycle", hook, "sleep"), .int(seconds),
                            "must be non-negative and less than terminationGracePeriodSeconds (\(grace))"))
                }
            }
        }
    }

    private static func hostPorts(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        var used: Set<String> = []
        for (index, container) in spec["containers"].elements.enumerated() {
            for (number, port) in container["ports"].elements.enumerated() {
                guard let host = port["hostPort"].int, host > 0 else { continue }
                let field = path.child("containers").index(index).child("ports").index(number)
                if spec["hostNetwork"].bool == true, host != port["containerPort"].int {
                    errors.append(
                        .invalid(field.child("containerPort"), port["containerPort"], "must match `hostPort` when `hostNetwork` is true"))
                }
                let id = "\(port["protocol"].string ?? "TCP")/\(port["hostIP"].string ?? "")/\(host)"
                if !used.insert(id).inserted { errors.append(.duplicate(field.child("hostPort"), .string(id))) }
            }
        }
    }

    private static func initContainer(_ container: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        if container["image"].isEmpty { errors.append(.required(path.child("image"))) }
        guard container["restartPolicy"].string != "Always" else { return }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where !container[field].isNull {
            errors.append(.forbidden(path.child(field), "may not be set for init containers without restartPolicy=Always"))
        }
    }
}
