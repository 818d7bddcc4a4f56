/// Which resources there are, by the places that name them.
public enum ResourceNames {
    static let containers: Set = ["cpu", "memory", "ephemeral-storage"]

    static let quota = containers.union([
        "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
        "limits.ephemeral-storage", "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims",
        "configmaps", "services.nodeports", "services.loadbalancers",
    ])

    private static let counted: Set = [
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims",
        "services.nodeports", "services.loadbalancers",
    ]

    static func isHugePages(_ name: String) -> Bool { name.hasPrefix("hugepages-") }
    static func isStandard(_ name: String) -> Bool { isOfQuota(name) || name == "storage" }
    static func isOfContainers(_ name: String) -> Bool { containers.contains(name) || isHugePages(name) }
    static func isOfQuota(_ name: String) -> Bool { quota.contains(name) || isHugePages(name) || name.hasPrefix("requests.hugepages-") }

    /// Whether it is one of Kubernetes' own: without a domain, or of `kubernetes.io`.
    static func isNative(_ name: String) -> Bool { !name.contains("/") || name.contains("kubernetes.io/") }

    /// Whether it is neither Kubernetes' own nor of a name that quotas use.
    public static func isExtended(_ name: String) -> Bool {
        !isNative(name) && !name.hasPrefix("requests.") && Names.qualifiedName("requests.\(name)").isEmpty
    }

    static func isWhole(_ name: String) -> Bool { counted.contains(name) || isExtended(name) }

    /// What more may be promised of than there is.
    static func isShared(_ name: String) -> Bool { isNative(name) && !isHugePages(name) }

    static func check(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let problems = Names.qualifiedName(name)
        for problem in problems { errors.append(.invalid(path, .string(name), problem)) }
        if problems.isEmpty, !name.contains("/"), !isStandard(name) {
            errors.append(.invalid(path, .string(name), "must be a standard resource type or fully qualified"))
        }
    }

    static func checkOfContainers(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        check(name, path, &errors)
        if !name.contains("/") {
            if !isOfContainers(name) { errors.append(.invalid(path, .string(name), "must be a standard resource for containers")) }
        } else if !isNative(name), !isExtended(name) {
            errors.append(.invalid(path, .string(name), "doesn't follow extended resource name standard"))
        }
    }
}
