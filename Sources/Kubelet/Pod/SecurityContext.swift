import APIModel
import OrderedCollections

/// What a container may do, from its own security context and its pod's. Upstream: `securitycontext/util.go`,
/// `kuberuntime/security_context.go`.
enum SecurityContext {
    /// A field of the container's context, or else of the pod's.
    private static func effective(_ field: String, _ container: Value, _ pod: Pod) -> Value {
        let own = container[path: "securityContext", field]
        return own.isNull ? pod.spec[path: "securityContext", field] : own
    }

    /// What `/proc` hides by default.
    static let maskedPaths = [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug",
        "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ]
    static let readOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    /// CRI's `NamespaceOption`.
    static func namespaces(of pod: Pod) -> Value {
        let node: Value = 2
        let container: Value = 1
        let own: Value = 0
        let pid = pod.spec["hostPID"].bool == true ? node : pod.spec["shareProcessNamespace"].bool == true ? own : container
        return ["network": pod.usesHostNetwork ? node : own, "pid": pid, "ipc": pod.spec["hostIPC"].bool == true ? node : own]
    }

    /// CRI's `SecurityProfile` for seccomp. A pod that says nothing is unconfined, unless the node says otherwise.
    static func seccomp(_ profile: Value, profileRoot: String, isDefault: Bool) -> Value {
        switch profile["type"].string {
        case nil where isDefault: ["profile_type": 0]
        case "RuntimeDefault": ["profile_type": 0]
        case "Localhost": ["profile_type": 2, "localhost_ref": .string(profileRoot + "/" + (profile["localhostProfile"].string ?? ""))]
        default: ["profile_type": 1]
        }
    }

    /// CRI's `SecurityProfile` for AppArmor, `.null` to leave it to the runtime.
    static func appArmor(_ profile: Value) -> Value {
        switch profile["type"].string {
        case "RuntimeDefault": ["profile_type": 0]
        case "Unconfined": ["profile_type": 1]
        case "Localhost": ["profile_type": 2, "localhost_ref": .string(profile["localhostProfile"].string ?? "")]
        default: .null
        }
    }

    static func supplementalGroups(of pod: Pod, volumeGroups: [Whole] = []) -> Value {
        let context = pod.spec["securityContext"]
        var groups = context["supplementalGroups"].elements.compactMap(\.int)
        if let group = context["fsGroup"].int { groups.append(group) }
        for group in volumeGroups where !groups.contains(group) { groups.append(group) }
        return groups.isEmpty ? .null : .array(groups.map(Value.int))
    }

    private static func wrapped(_ value: Value) -> Value { value.int.map { ["value": .int($0)] } ?? .null }

    /// CRI's `LinuxSandboxSecurityContext`.
    static func sandbox(_ pod: Pod, profileRoot: String) -> Value {
        let context = pod.spec["securityContext"]
        let isPrivileged = pod.allContainers.contains { $0[path: "securityContext", "privileged"].bool == true }
        return [
            "namespace_options": namespaces(of: pod),
            "selinux_options": context["seLinuxOptions"],
            "run_as_user": wrapped(context["runAsUser"]),
            "run_as_group": wrapped(context["runAsGroup"]),
            "supplemental_groups": supplementalGroups(of: pod),
            "privileged": .bool(isPrivileged),
            // The sandbox runs nothing but the pause program, which the runtime's default profile fits.
            "seccomp": isPrivileged ? ["profile_type": 1] : ["profile_type": 0],
            "apparmor": appArmor(context["appArmorProfile"]),
        ]
    }

    /// The user a container runs as: asked for by the pod, or else the image's.
    enum User: Equatable {
        case id(Whole)
        case name(String)
        case unknown
    }

    static func user(of container: Value, in pod: Pod, image: Value) -> User {
        if let id = effective("runAsUser", container, pod).int { return .id(id) }
        if let id = image["uid"]["value"].int { return .id(id) }
        if let name = image["username"].string, !name.isEmpty { return .name(name) }
        // An image that names no user runs as root; CRI leaves both fields empty then.
        return image.isNull ? .unknown : .id(0)
    }

    /// The reason why `runAsNonRoot` forbids the container to start, or `nil`. Upstream: `verifyRunAsNonRoot`.
    static func nonRootViolation(of container: Value, in pod: Pod, image: Value) -> String? {
        guard effective("runAsNonRoot", container, pod).bool == true else { return nil }
        if let id = effective("runAsUser", container, pod).int {
            return id == 0
                ? "container's runAsUser breaks non-root policy (pod: \"\(pod.description)\", container: \(container.name))" : nil
        }
        switch user(of: container, in: pod, image: image) {
        case .id(0):
            return "container has runAsNonRoot and image will run as root (pod: \"\(pod.description)\", container: \(container.name))"
        case .name(let name):
            return
                "container has runAsNonRoot and image has non-numeric user (\(name)), cannot verify user is non-root (pod: \"\(pod.description)\", container: \(container.name))"
        case .id, .unknown: return nil
        }
    }

    /// CRI's `LinuxContainerSecurityContext`.
    static func container(
        _ container: Value, in pod: Pod, image: Value, profileRoot: String, seccompDefault: Bool = false, volumeGroups: [Whole]
    ) -> Value {
        let own = container["securityContext"]
        let isPrivileged = own["privileged"].bool == true
        let capabilities = own["capabilities"]
        var context: Value = [
            "namespace_options": namespaces(of: pod),
            "capabilities": capabilities.isEmpty
                ? .null : ["add_capabilities": capabilities["add"], "drop_capabilities": capabilities["drop"]],
            "privileged": .bool(isPrivileged),
            "selinux_options": effective("seLinuxOptions", container, pod),
            "run_as_group": wrapped(effective("runAsGroup", container, pod)),
            "readonly_rootfs": .bool(own["readOnlyRootFilesystem"].bool ?? false),
            "supplemental_groups": supplementalGroups(of: pod, volumeGroups: volumeGroups),
            "supplemental_groups_policy": pod.spec[path: "securityContext", "supplementalGroupsPolicy"].string == "Strict" ? 1 : 0,
            "no_new_privs": .bool(own["allowPrivilegeEscalation"].bool == false && !isPrivileged && !adds("CAP_SYS_ADMIN", own)),
            "seccomp": isPrivileged
                ? ["profile_type": 1]
                : seccomp(effective("seccompProfile", container, pod), profileRoot: profileRoot, isDefault: seccompDefault),
            "apparmor": isPrivileged ? .null : appArmor(effective("appArmorProfile", container, pod)),
        ]
        switch user(of: container, in: pod, image: image) {
        case .id(let id): context["run_as_user"] = ["value": .int(id)]
        case .name(let name): context["run_as_username"] = .string(name)
        case .unknown: break
        }
        if !isPrivileged && own["procMount"].string != "Unmasked" {
            context["masked_paths"] = Value(maskedPaths)
            context["readonly_paths"] = Value(readOnlyPaths)
        }
        return context
    }

    private static func adds(_ capability: String, _ context: Value) -> Bool {
        context[path: "capabilities", "add"].elements.contains { $0.string == capability || $0.string == String(capability.dropFirst(4)) }
    }
}
