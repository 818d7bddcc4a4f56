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
                errors.append(.required("data[username]"))
                errors.append(.required("data[password]"))
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
        "/Node": node,
        "batch/Job": job,
        "batch/CronJob": cronJob,
        "/Namespace": { object, errors in
            for finalizer in object["spec"]["finalizers"].elements {
                ObjectMetaRules.finalizer(finalizer, "spec.finalizers", "spec.finalizers", &errors)
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
                guard let problem = systemPriority(object, name) else { return }
                let words = "priority class names with 'system-' prefix are reserved for system use only. error: "
                errors.append(.forbidden("metadata.name", words + problem))
            } else if let value = object["value"].int, value > 1_000_000_000 {
                errors.append(.forbidden("value", "maximum allowed value of a user defined priority is 1000000000"))
            }
        },
        "apiextensions.k8s.io/CustomResourceDefinition": { object, errors in DefinitionRules.check(object, &errors) },
        "flowcontrol.apiserver.k8s.io/FlowSchema": { object, errors in
            if object["spec"]["matchingPrecedence"].int == 1, object["metadata"]["name"].string != "exempt" {
                let message = "only the schema named 'exempt' may have matchingPrecedence 1"
                errors.append(.invalid("spec.matchingPrecedence", 1, message))
            }
        },
        "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration": { object, errors in
            let type = object["spec"]["type"]
            if (object["metadata"]["name"].string == "exempt") != (type.string == "Exempt") {
                errors.append(.invalid("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'"))
            }
        },
        "node.k8s.io/RuntimeClass": { object, errors in
            let fixed = object["overhead"]["podFixed"]
            for (name, amount) in fixed.fields where (amount.quantity?.signum ?? 0) < 0 {
                errors.append(.invalid(FieldPath("overhead").child("limits").key(name), amount, "must be greater than or equal to 0"))
            }
            ContainerResourceRules.check(["limits": fixed], "overhead", &errors)
            Constraint.labels(object["scheduling"]["nodeSelector"], "scheduling.nodeSelector", &errors)
        },
    ]

    /// Upstream tells of taints as if they stood in the metadata.
    private static let node: Rule = { node, errors in
        var seen: Set<String> = []
        for (index, taint) in node["spec"]["taints"].elements.enumerated() {
            let field = FieldPath("metadata.taints").index(index)
            let (key, effect) = (taint["key"].string ?? "", taint["effect"].string ?? "")
            Constraint.add(Names.qualifiedName(key), .string(key), field.child("key"), &errors)
            if let value = taint["value"].string { Constraint.add(Names.labelValue(value), .string(value), field.child("value"), &errors) }
            if effect.isEmpty {
                errors.append(.required(field.child("effect")))
            } else if !effects.contains(effect) {
                errors.append(.notSupported(field.child("effect"), .string(effect), effects))
            }
            if !seen.insert("\(key):\(effect)").inserted {
                let shown = GoStructure.show(taint, zero: ["key": "", "value": "", "effect": "", "timeAdded": .null])
                errors.append(FieldError(.duplicate, field, shown, "taints must be unique by key and effect pair"))
            }
        }
        let ranges = node["spec"]["podCIDRs"].elements.compactMap(\.string)
        let families = Set(ranges.map { $0.contains(":") })
        if ranges.count > 1, families.count < 2 || ranges.count > 2 {
            let message = "may specify no more than one CIDR for each IP family"
            errors.append(.invalid("spec.podCIDRs", node["spec"]["podCIDRs"], message))
        }
    }

    private static let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

    private static let systemPriorities: [String: Whole] = [
        "system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000,
    ]

    private static func systemPriority(_ object: Value, _ name: String) -> String? {
        guard let value = systemPriorities[name] else { return "\(name) is not a known system priority class" }
        if object["value"].int != value { return "value of \(name) PriorityClass must be \(value)" }
        return object["globalDefault"].bool == true ? "globalDefault of \(name) PriorityClass must be false" : nil
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
