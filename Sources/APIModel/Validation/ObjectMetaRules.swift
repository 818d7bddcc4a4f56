internal import OrderedCollections

/// What holds for the metadata of every object.
public enum ObjectMetaRules {
    /// - Parameter isCustom: whether it is an object of a custom kind, which may have finalizers of any name.
    static func validate(_ metadata: Value, kind: String, isNamespaced: Bool, isCustom: Bool = false) -> [FieldError] {
        let path: FieldPath = "metadata"
        var errors: [FieldError] = []
        let check = nameChecks[kind] ?? { Names.dnsSubdomain($0) }
        let name = metadata["name"].string ?? ""
        if let prefix = metadata["generateName"].string, !prefix.isEmpty {
            // What is generated ends in letters and digits, so a dash at the end of the prefix does no harm.
            let masked = prefix.hasSuffix("-") && prefix.count > 1 ? String(prefix.dropLast()) + "a" : prefix
            Constraint.add(check(masked), .string(prefix), path.child("generateName"), &errors)
        }
        if name.isEmpty {
            errors.append(.required(path.child("name"), "name or generateName is required"))
        } else {
            Constraint.add(check(name), .string(name), path.child("name"), &errors)
        }
        let namespace = metadata["namespace"].string ?? ""
        if isNamespaced {
            if namespace.isEmpty {
                errors.append(.required(path.child("namespace")))
            } else {
                Constraint.add(Names.dnsLabel(namespace), .string(namespace), path.child("namespace"), &errors)
            }
        } else if !namespace.isEmpty {
            errors.append(.forbidden(path.child("namespace"), "not allowed on this type"))
        }
        shared(metadata, path, isCustom: isCustom, &errors)
        return errors
    }

    /// For the metadata of an object inside a custom one.
    static func validateEmbedded(_ metadata: Value, _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        for field in ["generateName", "name"] {
            guard let text = metadata[field].string, !text.isEmpty else { continue }
            Constraint.add(Names.pathSegment(text), metadata[field], path.child(field), &errors)
        }
        if let namespace = metadata["namespace"].string, !namespace.isEmpty {
            Constraint.add(Names.dnsLabel(namespace), .string(namespace), path.child("namespace"), &errors)
        }
        shared(metadata, path, isCustom: true, &errors)
        return errors
    }

    static func validateUpdate(_ metadata: Value, old: Value, isCustom: Bool = false) -> [FieldError] {
        let path: FieldPath = "metadata"
        var errors: [FieldError] = []
        for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            let before = old[field]
            let after = metadata[field]
            // The server sets what is missing from the stored object, so only a contradiction is an error.
            if after.isNull || before == after { continue }
            errors.append(.invalid(path.child(field), after, "field is immutable"))
        }
        if !old["deletionTimestamp"].isNull {
            let before = old["finalizers"].elements
            let added = metadata["finalizers"].elements.filter { !before.contains($0) }.compactMap(\.string)
            if !added.isEmpty {
                let list = added.map { FieldError.quoted($0) }.sorted().joined(separator: ", ")
                errors.append(
                    .forbidden(
                        path.child("finalizers"),
                        "no new finalizers can be added if the object is being deleted, found new finalizers []string{\(list)}"))
            }
        }
        shared(metadata, path, isCustom: isCustom, &errors)
        return errors
    }

    private static func shared(_ metadata: Value, _ path: FieldPath, isCustom: Bool, _ errors: inout [FieldError]) {
        if let generation = metadata["generation"].int, generation < 0 {
            errors.append(.invalid(path.child("generation"), .int(generation), "must be greater than or equal to 0"))
        }
        Constraint.labels(metadata["labels"], path.child("labels"), &errors)
        annotations(metadata["annotations"], path.child("annotations"), &errors)
        ManagedFieldsRules.validate(metadata["managedFields"], path.child("managedFields"), &errors)
        owners(metadata["ownerReferences"].elements, path.child("ownerReferences"), &errors)
        let finalizers = metadata["finalizers"].elements
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            let message = "finalizer orphan and foregroundDeletion cannot be both set"
            errors.append(.invalid(path.child("finalizers"), metadata["finalizers"], message))
        }
        for (index, finalizer) in finalizers.enumerated() {
            guard !isCustom else {
                Constraint.add(Names.qualifiedName(finalizer.string ?? ""), finalizer, path.child("finalizers"), &errors)
                continue
            }
            self.finalizer(finalizer, path.child("finalizers"), path.child("finalizers").index(index), &errors)
        }
    }

    /// - Parameters:
    ///   - list: what is named where the form is bad.
    ///   - place: what is named where the name is nobody's.
    static func finalizer(_ finalizer: Value, _ list: FieldPath, _ place: FieldPath, _ errors: inout [FieldError]) {
        guard let name = finalizer.string else { return }
        Constraint.add(Names.qualifiedName(name), finalizer, list, &errors)
        if isOfNobody(name) {
            errors.append(.invalid(place, finalizer, "name is neither a standard finalizer name nor is it fully qualified"))
        }
    }

    /// Whether a finalizer is neither one of Kubernetes' own nor of a name with a domain.
    public static func isOfNobody(_ finalizer: String) -> Bool {
        !finalizer.contains("/") && !["kubernetes", "orphan", "foregroundDeletion"].contains(finalizer)
    }

    static func annotations(_ annotations: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        var size = 0
        for (key, value) in annotations.fields {
            Constraint.add(Names.qualifiedName(key.lowercased()), .string(key), path, &errors)
            size += key.utf8.count + (value.string?.utf8.count ?? 0)
        }
        if size > 262_144 { errors.append(.tooLong(path, limit: 262_144)) }
    }

    /// Upstream does not say which of the owners it is.
    private static func owners(_ owners: [Value], _ path: FieldPath, _ errors: inout [FieldError]) {
        var controller: String?
        for owner in owners {
            if owner["apiVersion"].isEmpty {
                errors.append(.invalid(path.child("apiVersion"), "", "version must not be empty"))
            }
            for name in ["kind", "name", "uid"] where owner[name].isEmpty {
                errors.append(.invalid(path.child(name), "", "must not be empty"))
            }
            if owner["apiVersion"].string == "v1", owner["kind"].string == "Event" {
                errors.append(.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner"))
            }
            guard owner["controller"].bool == true else { continue }
            let name = "\(owner["kind"].string ?? "")/\(owner["name"].string ?? "")"
            if let controller {
                errors.append(
                    .invalid(
                        path, .array(owners),
                        "Only one reference can have Controller set to true. Found \"true\" in references for \(controller) and \(name)"))
            } else {
                controller = name
            }
        }
    }

    private static let nameChecks: [String: @Sendable (String) -> [String]] = [
        "/Namespace": { Names.dnsLabel($0) },
        "/Service": { Names.dnsLabel($0) },
        "plugins.apus.dev/Plugin": { Names.dnsLabel($0) },
        "batch/CronJob": { name in Names.dnsSubdomain(name) + (name.utf8.count > 52 ? ["must be no more than 52 characters"] : []) },
        "rbac.authorization.k8s.io/Role": { Names.pathSegment($0) },
        "rbac.authorization.k8s.io/ClusterRole": { Names.pathSegment($0) },
        "rbac.authorization.k8s.io/RoleBinding": { Names.pathSegment($0) },
        "rbac.authorization.k8s.io/ClusterRoleBinding": { Names.pathSegment($0) },
        "apiregistration.k8s.io/APIService": { Names.pathSegment($0) },
        "networking.k8s.io/IPAddress": { Names.canonicalIP($0) },
        "certificates.k8s.io/ClusterTrustBundle": { name in Names.dnsSubdomain(name.replacing(":", with: ".")) },
    ]
}
