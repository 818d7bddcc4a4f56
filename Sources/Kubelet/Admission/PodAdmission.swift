import APIModel

/// What this node refuses to run, by name, whatever else runs on it. Upstream: `kubelet/lifecycle`, `kubelet/sysctl`.
struct PodAdmission: Sendable {
    struct Refusal: Equatable, Sendable {
        var reason: String
        /// The event's; the pod's status says it was rejected.
        var message: String
    }

    /// Whether the kernel confines programs by AppArmor.
    let hasAppArmor: Bool
    let features: RuntimeFeatures
    /// Sysctls that are let through beside the safe ones.
    var allowedSysctls: [String] = []

    func refusal(of pod: Pod) -> Refusal? {
        let checks: [(Pod) -> Refusal?] = [sysctls, systemLabel, operatingSystem, groupsPolicy, appArmor]
        return checks.lazy.compactMap { $0(pod) }.first
    }

    /// The pod's own label, as upstream reads it.
    private func systemLabel(_ pod: Pod) -> Refusal? {
        guard let name = pod.labels["kubernetes.io/os"], name != "linux" else { return nil }
        return Refusal(
            reason: "PodOSSelectorNodeLabelDoesNotMatch",
            message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label")
    }

    private func operatingSystem(_ pod: Pod) -> Refusal? {
        guard let name = pod.spec["os"]["name"].string, name != "linux" else { return nil }
        return Refusal(reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS")
    }

    private func groupsPolicy(_ pod: Pod) -> Refusal? {
        guard pod.spec[path: "securityContext", "supplementalGroupsPolicy"].string == "Strict", !features.groupsPolicy else { return nil }
        return Refusal(
            reason: "SupplementalGroupsPolicyNotSupported", message: "SupplementalGroupsPolicy=Strict is not supported in this node")
    }

    // MARK: Sysctls

    /// Namespaced, and of no effect on other pods, with the kernels that Apus runs on.
    private static let safe: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    ]

    private func sysctls(_ pod: Pod) -> Refusal? {
        for sysctl in pod.spec[path: "securityContext", "sysctls"].elements {
            let name = Self.normalized(sysctl.name)
            let quoted = FieldError.quoted(name)
            let isNetwork = name.hasPrefix("net.")
            let problem =
                !Self.safe.contains(name) && !allowedSysctls.contains { Self.matches(name, $0) }
                ? "\(quoted) not allowlisted"
                : isNetwork && pod.usesHostNetwork
                    ? "\(quoted) not allowed with host net enabled"
                    : !isNetwork && pod.spec["hostIPC"].bool == true ? "\(quoted) not allowed with host ipc enabled" : nil
            if let problem { return Refusal(reason: "SysctlForbidden", message: "forbidden sysctl: \(problem)") }
        }
        return nil
    }

    private static func matches(_ name: String, _ pattern: String) -> Bool {
        let pattern = normalized(pattern)
        return pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
    }

    /// With dots between. Where a slash comes first, it is what divides, and dots are part of names.
    static func normalized(_ name: String) -> String {
        guard let first = name.first(where: { $0 == "." || $0 == "/" }), first == "/" else { return name }
        return String(name.map { $0 == "/" ? "." : $0 == "." ? "/" : $0 })
    }

    // MARK: Profiles

    private func appArmor(_ pod: Pod) -> Refusal? {
        let contexts = [pod.spec["securityContext"]] + pod.allContainers.map { $0["securityContext"] }
        let isAsked = contexts.contains { context in
            context[path: "appArmorProfile", "type"].string.map { $0 != "Unconfined" } ?? false
        }
        guard isAsked, !hasAppArmor else { return nil }
        return Refusal(reason: "AppArmor", message: "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    }
}
