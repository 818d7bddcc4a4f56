internal import OrderedCollections

/// Rules that only the whole object can be judged by.
enum KindRules {
    typealias Rule = @Sendable (Value, inout [FieldError]) -> Void

    static let rules: [String: Rule] = [
        "/ConfigMap": { object, errors in
            var size = 0
            for (list, other) in [("data", "binaryData"), ("binaryData", "data")] {
                for (key, value) in object[list].fields {
                    Constraint.add(Names.configMapKey(key), .string(key), FieldPath(list).key(key), &errors)
                    if list == "data", !object[other][key].isNull {
                        errors.append(.invalid(FieldPath(list).key(key), .string(key), "duplicate of key present in binaryData"))
                    }
                    size += value.string?.utf8.count ?? 0
                }
            }
            if size > 1_048_576 { errors.append(.tooLong("", limit: 1_048_576)) }
        },
        "/Secret": { object, errors in
            var size = 0
            for (key, value) in object["data"].fields {
                Constraint.add(Names.configMapKey(key), .string(key), FieldPath("data").key(key), &errors)
                size += (value.string?.utf8.count ?? 0) / 4 * 3
            }
            if size > 1_048_576 { errors.append(.tooLong("data", limit: 1_048_576)) }
            for key in secretKeys[object["type"].string ?? ""] ?? [] where object["data"][key].isNull {
                errors.append(.required(FieldPath("data").key(key)))
            }
            if object["type"].string == "kubernetes.io/service-account-token",
                object["metadata"]["annotations"]["kubernetes.io/service-account.name"].isEmpty
            {
                errors.append(.required(FieldPath("metadata.annotations").key("kubernetes.io/service-account.name")))
            }
            if object["type"].string == "kubernetes.io/basic-auth", object["data"]["username"].isNull, object["data"]["password"].isNull {
                errors.append(.required("data[%s].username"))
                errors.append(.required("data[%s].password"))
            }
        },
        "/Pod": { object, errors in
            PodAnnotations.check(object["metadata"]["annotations"], object["spec"], "metadata.annotations", &errors)
            for (index, container) in object["spec"]["ephemeralContainers"].elements.enumerated() {
                for field in ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] where !container[field].isEmpty {
                    errors.append(
                        .forbidden(
                            FieldPath("spec.ephemeralContainers").index(index).child(field), "cannot be set for an Ephemeral Container"))
                }
            }
        },
        "/Node": { object, errors in
            var seen: Set<String> = []
            for (index, taint) in object["spec"]["taints"].elements.enumerated() {
                let id = "\(taint["key"].string ?? ""):\(taint["effect"].string ?? "")"
                if !seen.insert(id).inserted {
                    errors.append(
                        FieldError(.duplicate, FieldPath("spec.taints").index(index), taint, "taints must be unique by key and effect pair")
                    )
                }
            }
        },
        "batch/Job": job,
        "batch/CronJob": cronJob,
        "/Namespace": { object, errors in
            for (index, finalizer) in object["spec"]["finalizers"].elements.enumerated() {
                guard let name = finalizer.string else { continue }
                Constraint.add(Names.qualifiedName(name), finalizer, FieldPath("spec.finalizers").index(index), &errors)
            }
        },
        "/Event": { object, errors in
            let namespace = object["involvedObject"]["namespace"].string ?? ""
            if namespace.isEmpty {
                if let own = object["metadata"]["namespace"].string, own != "default", own != "kube-system" {
                    errors.append(.invalid("involvedObject.namespace", "", "does not match event.namespace"))
                }
            } else if namespace != object["metadata"]["namespace"].string {
                errors.append(.invalid("involvedObject.namespace", .string(namespace), "does not match event.namespace"))
            }
        },
        "/PersistentVolume": { object, errors in
            let known: Set<String> = [
                "capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy", "storageClassName", "mountOptions", "volumeMode",
                "nodeAffinity",
                "volumeAttributesClassName",
            ]
            let sources = object["spec"].fields.keys.filter { !known.contains($0) }
            if sources.isEmpty { errors.append(.required("spec", "must specify a volume type")) }
            for extra in sources.dropFirst() {
                errors.append(.forbidden(FieldPath("spec").child(extra), "may not specify more than 1 volume type"))
            }
            if !object["spec"]["local"].isNull, object["spec"]["nodeAffinity"].isNull {
                errors.append(.required("metadata.annotations", "Local volume requires node affinity"))
            }
        },
        "rbac.authorization.k8s.io/RoleBinding": { object, errors in roleKind(object, ["Role", "ClusterRole"], &errors) },
        "rbac.authorization.k8s.io/ClusterRoleBinding": { object, errors in
            roleKind(object, ["ClusterRole"], &errors)
            for (index, subject) in object["subjects"].elements.enumerated()
            where subject["kind"].string == "ServiceAccount" && subject["namespace"].isEmpty {
                errors.append(.required(FieldPath("subjects").index(index).child("namespace")))
            }
        },
        "rbac.authorization.k8s.io/Role": { object, errors in
            for (index, rule) in object["rules"].elements.enumerated() where !rule["nonResourceURLs"].isEmpty {
                errors.append(
                    .invalid(
                        FieldPath("rules").index(index).child("nonResourceURLs"), rule["nonResourceURLs"],
                        "namespaced rules cannot apply to non-resource URLs"))
            }
        },
        "scheduling.k8s.io/PriorityClass": { object, errors in
            let name = object["metadata"]["name"].string ?? ""
            if name.hasPrefix("system-") {
                if name != "system-cluster-critical", name != "system-node-critical" {
                    errors.append(
                        .forbidden("metadata.name", "priority class names with 'system-' prefix are reserved for system use only"))
                }
            } else if let value = object["value"].int, value > 1_000_000_000 {
                errors.append(.forbidden("value", "maximum allowed value of a user defined priority is 1000000000"))
            }
        },
        "apiextensions.k8s.io/CustomResourceDefinition": { object, errors in
            let spec = object["spec"]
            let required = "\(spec["names"]["plural"].string ?? "").\(spec["group"].string ?? "")"
            if object["metadata"]["name"].string != required {
                errors.append(.invalid("metadata.name", object["metadata"]["name"], "must be spec.names.plural+\".\"+spec.group"))
            }
            customNames(spec["names"], &errors)
            if spec["preserveUnknownFields"].bool == true {
                let instead = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
                errors.append(.invalid("spec.preserveUnknownFields", true, "cannot set to true, \(instead)"))
            }
            let versions = spec["versions"].elements
            if !versions.isEmpty, versions.filter({ $0["storage"].bool == true }).count != 1 {
                errors.append(.invalid("spec.versions", spec["versions"], "must have exactly one version marked as storage version"))
            }
            TypeRules.unique(versions, "name", "spec.versions", &errors)
            for (index, version) in versions.enumerated() {
                let field = FieldPath("spec.versions").index(index)
                if let name = version["name"].string {
                    Constraint.add(Names.dns1035Label(name), .string(name), field.child("name"), &errors)
                }
                if version["deprecated"].bool != true, let warning = version["deprecationWarning"].string {
                    errors.append(
                        .invalid(field.child("deprecationWarning"), .string(warning), "can only be set for deprecated versions"))
                }
                let schema = version["schema"]["openAPIV3Schema"]
                let place = field.child("schema", "openAPIV3Schema")
                errors += schema.isNull ? [.required(place, "schemas are required")] : StructuralRules.validate(schema, place)
            }
        },
    ]

    private static func customNames(_ names: Value, _ errors: inout [FieldError]) {
        for field in ["kind", "listKind"] {
            guard let name = names[field].string, !name.isEmpty else { continue }
            let problems = Names.dns1035Label(name.lowercased())
            if !problems.isEmpty {
                let message = "may have mixed case, but should otherwise match: \(problems.joined(separator: ","))"
                errors.append(.invalid(FieldPath("spec.names").child(field), .string(name), message))
            }
        }
        if !names["kind"].isEmpty, names["kind"] == names["listKind"] {
            errors.append(.invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same"))
        }
    }

    private static func roleKind(_ object: Value, _ kinds: [String], _ errors: inout [FieldError]) {
        if let kind = object["roleRef"]["kind"].string, !kind.isEmpty, !kinds.contains(kind) {
            errors.append(.notSupported("roleRef.kind", .string(kind), kinds))
        }
        if let name = object["roleRef"]["name"].string, !name.isEmpty {
            Constraint.add(Names.pathSegment(name), .string(name), "roleRef.name", &errors)
        }
    }

    private static let secretKeys: [String: [String]] = [
        "kubernetes.io/dockercfg": [".dockercfg"], "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
        "kubernetes.io/ssh-auth": ["ssh-privatekey"],
        "kubernetes.io/tls": ["tls.crt", "tls.key"],
    ]
}
