internal import OrderedCollections

/// What an update may not change.
enum UpdateRules {
    static func validate(_ new: Value, old: Value, kind: String) -> [FieldError] {
        var errors: [FieldError] = []
        for (path, message) in immutable[kind] ?? [] {
            let before = value(old, path)
            let after = value(new, path)
            guard before != after else { continue }
            switch message {
            case .immutable: errors.append(.invalid(FieldPath(path), after, "field is immutable"))
            case .invalid(let text): errors.append(.invalid(FieldPath(path), after, text))
            case .forbidden(let text): errors.append(.forbidden(FieldPath(path), text))
            }
        }
        rules[kind]?(new, old, &errors)
        return errors
    }

    /// The kinds of which upstream judges the whole first, and then what may not change.
    static let comesLast: Set = [
        "apps/Deployment", "apps/ReplicaSet", "apps/DaemonSet", "apps/StatefulSet", "batch/Job", "/PersistentVolume",
        "/PersistentVolumeClaim", "rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding",
        "discovery.k8s.io/EndpointSlice", "apiextensions.k8s.io/CustomResourceDefinition",
    ]

    /// The kinds that have rules here.
    static var kinds: [String] { Array(immutable.keys) + Array(rules.keys) }

    private enum Message {
        case immutable
        case invalid(String)
        case forbidden(String)
    }

    private static func value(_ object: Value, _ path: String) -> Value { path.split(separator: ".").reduce(object) { $0[String($1)] } }

    private static let immutable: [String: [(String, Message)]] = [
        "apps/Deployment": [("spec.selector", .immutable)],
        "apps/ReplicaSet": [("spec.selector", .immutable)],
        "apps/DaemonSet": [("spec.selector", .immutable)],
        "apps/ControllerRevision": [("data", .immutable)],
        "batch/Job": [
            ("spec.selector", .immutable), ("spec.completionMode", .immutable), ("spec.podFailurePolicy", .immutable),
            ("spec.backoffLimitPerIndex", .immutable),
            ("spec.managedBy", .immutable), ("spec.successPolicy", .immutable),
        ],
        "/Secret": [("type", .immutable)],
        "storage.k8s.io/StorageClass": [
            ("parameters", .forbidden("updates to parameters are forbidden.")),
            ("provisioner", .forbidden("updates to provisioner are forbidden.")),
            ("reclaimPolicy", .forbidden("updates to reclaimPolicy are forbidden.")), ("volumeBindingMode", .immutable),
        ],
        "storage.k8s.io/VolumeAttachment": [("spec", .immutable)],
        "storage.k8s.io/CSIDriver": [("spec.attachRequired", .immutable), ("spec.volumeLifecycleModes", .immutable)],
        "storage.k8s.io/CSIStorageCapacity": [("nodeTopology", .immutable), ("storageClassName", .immutable)],
        "storage.k8s.io/VolumeAttributesClass": [
            ("driverName", .forbidden("updates to driverName are forbidden.")),
            ("parameters", .forbidden("updates to parameters are forbidden.")),
        ],
        "scheduling.k8s.io/PriorityClass": [
            ("value", .forbidden("may not be changed in an update.")), ("preemptionPolicy", .forbidden("may not be changed in an update.")),
        ],
        "rbac.authorization.k8s.io/RoleBinding": [("roleRef", .invalid("cannot change roleRef"))],
        "rbac.authorization.k8s.io/ClusterRoleBinding": [("roleRef", .invalid("cannot change roleRef"))],
        "networking.k8s.io/IngressClass": [("spec.controller", .immutable)],
        "networking.k8s.io/IPAddress": [("spec.parentRef", .immutable)],
        "node.k8s.io/RuntimeClass": [("handler", .immutable)],
        "discovery.k8s.io/EndpointSlice": [("addressType", .immutable)],
        "resource.k8s.io/ResourceClaim": [("spec", .immutable)],
        "resource.k8s.io/ResourceClaimTemplate": [("spec", .immutable)],
        "resource.k8s.io/ResourceSlice": [("spec.driver", .immutable), ("spec.nodeName", .immutable)],
        "apiextensions.k8s.io/CustomResourceDefinition": [
            ("spec.group", .immutable), ("spec.scope", .immutable), ("spec.names.plural", .immutable),
        ],
    ]

    private typealias Rule = @Sendable (_ new: Value, _ old: Value, inout [FieldError]) -> Void

    private static let rules: [String: Rule] = [
        "/Pod": { new, old, errors in errors += PodUpdateRules.update(new, old: old) },
        "/ConfigMap": { new, old, errors in frozen(new, old, ["data", "binaryData"], &errors) },
        "/Secret": { new, old, errors in frozen(new, old, ["data"], &errors) },
        "/ResourceQuota": { new, old, errors in
            let scopes = new["spec"]["scopes"]
            guard Set(scopes.elements) != Set(old["spec"]["scopes"].elements) else { return }
            errors.append(.invalid("spec.scopes", scopes, "field is immutable"))
        },
        "/Service": { new, old, errors in errors += ServiceUpdateRules.validate(new, old: old) },
        "networking.k8s.io/ServiceCIDR": { new, old, errors in errors += ServiceCIDRRules.validateUpdate(new, old: old) },
        "/Node": { new, old, errors in
            let (networks, before) = (new["spec"]["podCIDRs"].elements, old["spec"]["podCIDRs"].elements)
            if !before.isEmpty, networks != before {
                errors.append(.forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid"))
            }
            if let before = old["spec"]["providerID"].string, !before.isEmpty, new["spec"]["providerID"].string != before {
                errors.append(.forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid"))
            }
        },
        "/PersistentVolumeClaim": { new, old, errors in
            var expected = old["spec"]
            let after = new["spec"]
            // A claim may be bound, grow, and change its attributes class.
            if expected["volumeName"].isEmpty { expected["volumeName"] = after["volumeName"] }
            if old["status"]["phase"].string == "Bound" { expected["resources"]["requests"] = after["resources"]["requests"] }
            if expected["storageClassName"].isNull { expected["storageClassName"] = after["storageClassName"] }
            expected["volumeAttributesClassName"] = after["volumeAttributesClassName"]
            if expected != after {
                errors.append(
                    .forbidden(
                        "spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")
                )
            }
            let sizes = [old, new].map { $0["spec"]["resources"]["requests"]["storage"].string.flatMap { try? Quantity($0) } ?? .zero }
            if sizes[1] < sizes[0] {
                errors.append(.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"))
            }
        },
        "/PersistentVolume": { new, old, errors in
            let open: Set<String> = [
                "capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy", "storageClassName", "mountOptions", "nodeAffinity",
                "volumeAttributesClassName",
                "volumeMode",
            ]
            func source(_ object: Value) -> Value { .object(object["spec"].fields.filter { !open.contains($0.key) }) }
            if source(new) != source(old) {
                errors.append(.forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation"))
            }
            if new["spec"]["volumeMode"] != old["spec"]["volumeMode"] {
                errors.append(.invalid("spec.volumeMode", new["spec"]["volumeMode"], "field is immutable"))
            }
        },
        "apps/StatefulSet": { new, old, errors in
            let open = [
                "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ]
            func fixed(_ object: Value) -> Value { .object(object["spec"].fields.filter { !open.contains($0.key) }) }
            if fixed(new) != fixed(old) {
                errors.append(
                    .forbidden(
                        "spec",
                        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
                            + "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"))
            }
        },
        "batch/Job": { new, old, errors in
            var before = old["spec"]["template"]
            let after = new["spec"]["template"]
            let hasStopped =
                old["status"]["startTime"].isNull
                || old["status"]["conditions"].elements.contains { $0["type"].string == "Suspended" && $0["status"].string == "True" }
            if old["spec"]["suspend"].bool == true, hasStopped, old["status"]["active"].int ?? 0 == 0 {
                // A job that has not begun, or stands still, can be told where its pods go and what they get.
                for field in ["nodeSelector", "affinity", "tolerations", "schedulingGates"] { before["spec"][field] = after["spec"][field] }
                before["metadata"]["labels"] = after["metadata"]["labels"]
                before["metadata"]["annotations"] = after["metadata"]["annotations"]
                for list in ["containers", "initContainers"] where !before["spec"][list].isNull {
                    let resources = after["spec"][list].elements.map { $0["resources"] }
                    before["spec"][list].elements = before["spec"][list].elements.enumerated().map { index, container in
                        var container = container
                        if index < resources.count { container["resources"] = resources[index] }
                        return container
                    }
                }
            }
            if before != after { errors.append(.invalid("spec.template", after, "field is immutable")) }
            let (was, will) = (old["spec"]["completions"], new["spec"]["completions"])
            if new["spec"]["completionMode"].string != "Indexed" {
                if was != will { errors.append(.invalid("spec.completions", will, "field is immutable")) }
            } else if was != will, !will.isNull, will != new["spec"]["parallelism"] {
                errors.append(.invalid("spec.completions", will, "can only be modified in tandem with spec.parallelism"))
            }
        },
    ]

    /// ConfigMaps and Secrets that were declared immutable stay so, and stay what they are.
    private static func frozen(_ new: Value, _ old: Value, _ fields: [String], _ errors: inout [FieldError]) {
        guard old["immutable"].bool == true else { return }
        if new["immutable"].bool != true { errors.append(.forbidden("immutable", "field is immutable when `immutable` is set")) }
        for field in fields where (new[field].isEmpty ? .null : new[field]) != (old[field].isEmpty ? .null : old[field]) {
            errors.append(.forbidden(FieldPath(field), "field is immutable when `immutable` is set"))
        }
    }
}
