internal import OrderedCollections

/// What a write to a pod's `resize` may change: amounts of CPU and memory, of the pod and of its containers. Upstream: `ValidatePodResize`.
public enum PodResizeRules {
    private static let lists = ["containers", "initContainers"]
    private static let kinds = ["requests", "limits"]
    private static let resizable: Set<String> = ["cpu", "memory"]

    /// The same containers by name in the same order.
    public static func hasSameContainers(_ a: Value, _ b: Value) -> Bool {
        lists.allSatisfy { list in a[list].elements.map { $0["name"] } == b[list].elements.map { $0["name"] } }
    }

    static func check(_ new: Value, old: Value) -> [FieldError] {
        if old["metadata"]["annotations"]["kubernetes.io/config.mirror"].string != nil {
            return [.forbidden("", "static pods cannot be resized")]
        }
        if old[path: "spec", "os", "name"].string == "windows" { return [.forbidden("", "windows pods cannot be resized")] }
        var errors: [FieldError] = []
        let (before, after) = (old["spec"], new["spec"])
        if QualityOfService(spec: before) != QualityOfService(spec: after) {
            let told = new[path: "status", "qosClass"]
            errors.append(.invalid("spec", told, "Pod QOS Class may not change as a result of resizing"))
        }
        var expected = before
        if !before["resources"].isEmpty || !after["resources"].isEmpty { errors += wholePod(after, before, &expected) }
        let order = containerOrder(after, before)
        if !order.isEmpty { return errors + order }
        for list in lists {
            for (index, container) in after[list].elements.enumerated() {
                let (was, path) = (before[list][index], FieldPath("spec").child(list).index(index))
                for kind in kinds where isRemoved(container["resources"], was["resources"], kind) {
                    errors.append(.forbidden(path.child("resources", kind), "resource \(kind) cannot be removed"))
                }
                expected[list][index]["resources"] = adopting(container["resources"], in: was["resources"])
                errors += others(container, was, list, path, expected: expected[list][index])
            }
        }
        if errors.isEmpty, expected != after {
            let difference = PodUpdateRules.difference(expected, after)
            errors.append(.forbidden("spec", "only cpu and memory resources are mutable\n" + difference))
        }
        return errors
    }

    private static func wholePod(_ after: Value, _ before: Value, _ expected: inout Value) -> [FieldError] {
        let path: FieldPath = "spec.resources"
        let (new, old) = (after["resources"], before["resources"])
        if new.isNull { return [.forbidden(path, "pod-level resources cannot be removed")] }
        var errors: [FieldError] = []
        for kind in kinds where isRemoved(new, old, kind) {
            errors.append(.forbidden(path.child(kind), "pod-level resource \(kind) cannot be removed"))
        }
        expected["resources"] = adopting(new, in: old)
        if expected["resources"] != new { errors.append(.forbidden("spec", "only cpu and memory resources are mutable at pod-level")) }
        return errors
    }

    private static func containerOrder(_ after: Value, _ before: Value) -> [FieldError] {
        lists.flatMap { list -> [FieldError] in
            let (new, old) = (after[list].elements, before[list].elements)
            if new.count != old.count {
                return [.forbidden(FieldPath("spec").child(list), "\(list) may not be added or removed on resize")]
            }
            return old.indices.filter { new[$0]["name"] != old[$0]["name"] }.map { index in
                let path = FieldPath("spec").child(list).index(index).child("name")
                return .forbidden(path, "\(list) may not be renamed or reordered on resize")
            }
        }
    }

    /// What else of a container was to change.
    private static func others(_ new: Value, _ old: Value, _ list: String, _ path: FieldPath, expected: Value) -> [FieldError] {
        guard list == "initContainers" else {
            return expected == new ? [] : [.forbidden("spec", "only cpu and memory resources are mutable")]
        }
        var errors: [FieldError] = []
        if expected != new {
            errors.append(.forbidden(path, "only cpu and memory resources for init or sidecar containers are mutable"))
        }
        let restarts = new["resizePolicy"].elements.contains { $0["restartPolicy"].string == "RestartContainer" }
        if new != old, new["restartPolicy"].string != "Always", restarts {
            let problem = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            errors.append(.forbidden(path, problem))
        }
        return errors
    }

    private static func isRemoved(_ new: Value, _ old: Value, _ kind: String) -> Bool {
        old[kind].fields.keys.contains { new[kind][$0].isNull }
    }

    /// `new` where it differs from `old` in nothing but amounts of CPU and memory, `old` elsewhere.
    private static func adopting(_ new: Value, in old: Value) -> Value { fixed(new) == fixed(old) ? new : old }

    /// What may not change of resources. What is empty is as good as not there.
    private static func fixed(_ resources: Value) -> Value {
        var fixed = resources
        for kind in kinds {
            let left = resources[kind].fields.filter { !resizable.contains($0.key) }
            fixed[kind] = left.isEmpty ? .null : .object(left)
        }
        return fixed.isEmpty ? .null : fixed
    }
}
