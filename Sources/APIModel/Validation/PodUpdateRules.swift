internal import OrderedCollections

/// A pod's spec is fixed but for a few fields; each way of updating it opens others.
enum PodUpdateRules {
    static func update(_ new: Value, old: Value) -> [FieldError] {
        var errors = annotations(new, old: old)
        let after = new["spec"]
        var expected = old["spec"]

        let before = expected["activeDeadlineSeconds"].int
        switch (before, after["activeDeadlineSeconds"].int) {
        case (let old?, let new?) where new > old:
            errors.append(.invalid("spec.activeDeadlineSeconds", .int(new), "must be less than or equal to previous value"))
        case (_?, nil): errors.append(.invalid("spec.activeDeadlineSeconds", .null, "must not update from a positive integer to nil value"))
        default: expected["activeDeadlineSeconds"] = after["activeDeadlineSeconds"]
        }

        for list in ["containers", "initContainers"]
        where expected[list].elements.count == after[list].elements.count && !expected[list].isNull {
            let images = after[list].elements.map { $0["image"] }
            expected[list].elements = expected[list].elements.enumerated().map { index, container in
                var container = container
                container["image"] = images[index]
                return container
            }
        }
        if expected["containers"].elements.count != after["containers"].elements.count {
            return errors + [.forbidden("spec.containers", "pod updates may not add or remove containers")]
        }

        if old["spec"]["terminationGracePeriodSeconds"].int ?? 0 < 0, after["terminationGracePeriodSeconds"].int == 1 {
            expected["terminationGracePeriodSeconds"] = 1
        }

        errors += tolerations(after, expected)
        expected["tolerations"] = after["tolerations"]

        let gates = Set(old["spec"]["schedulingGates"].elements.compactMap { $0["name"].string })
        let left = after["schedulingGates"].elements.compactMap { $0["name"].string }
        for (index, name) in left.enumerated() where !gates.contains(name) {
            errors.append(
                .forbidden(
                    FieldPath("spec.schedulingGates").index(index).child("name"),
                    "only deletion is allowed, but found new scheduling gate '\(name)'"))
        }
        expected["schedulingGates"] = after["schedulingGates"]
        if !gates.isEmpty {
            // While it waits at a gate, where the pod may go can be narrowed.
            for (key, value) in expected["nodeSelector"].fields where after["nodeSelector"][key] != value {
                errors.append(.invalid("spec.nodeSelector", after["nodeSelector"], "only additions are allowed to existing nodeSelector"))
            }
            expected["nodeSelector"] = after["nodeSelector"]
            expected["affinity"] = after["affinity"]
        }

        if errors.isEmpty, expected != after {
            errors.append(
                .forbidden(
                    "spec",
                    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
                        + "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
                        + difference(expected, after)))
        }
        return errors
    }

    /// For the pod itself and for its status alike.
    static func annotations(_ new: Value, old: Value) -> [FieldError] {
        var errors: [FieldError] = []
        PodAnnotations.checkUpdate(new["metadata"]["annotations"], old: old["metadata"]["annotations"], "metadata.annotations", &errors)
        return errors
    }

    static func ephemeralContainers(_ new: Value, old: Value) -> [FieldError] {
        var errors: [FieldError] = []
        let after = Dictionary(
            new["spec"]["ephemeralContainers"].elements.map { ($0["name"].string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        for container in old["spec"]["ephemeralContainers"].elements {
            let name = container["name"].string ?? ""
            if after[name] == nil {
                errors.append(
                    .forbidden("spec.ephemeralContainers", "existing ephemeral containers \(FieldError.quoted(name)) may not be removed\n"))
            } else if after[name] != container {
                errors.append(
                    .forbidden("spec.ephemeralContainers", "existing ephemeral containers \(FieldError.quoted(name)) may not be changed\n"))
            }
        }
        return errors
    }

    private static func tolerations(_ after: Value, _ expected: Value) -> [FieldError] {
        func withoutSeconds(_ toleration: Value) -> Value {
            var toleration = toleration
            toleration["tolerationSeconds"] = .null
            return toleration
        }
        let wanted = after["tolerations"].elements.map(withoutSeconds)
        let kept = expected["tolerations"].elements.allSatisfy { wanted.contains(withoutSeconds($0)) }
        return kept ? [] : [.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")]
    }

    /// The fields that differ, with what they were and what they would be.
    static func difference(_ old: Value, _ new: Value) -> String {
        let names = Set(old.fields.keys).union(new.fields.keys).sorted().filter { old[$0] != new[$0] }
        return names.map { name in
            "- \(name): \(String(decoding: JSON.encode(old[name]), as: UTF8.self))\n+ \(name): \(String(decoding: JSON.encode(new[name]), as: UTF8.self))\n"
        }.joined()
    }
}
