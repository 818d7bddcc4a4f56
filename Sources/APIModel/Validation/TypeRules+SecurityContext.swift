internal import OrderedCollections

/// What a pod and its containers may ask of the kernel.
extension TypeRules {
    static let securityContext: [String: Rule] = [
        "core.v1.SecurityContext": { context, path, errors in
            if context["privileged"].bool == true, context["allowPrivilegeEscalation"].bool == false {
                errors.append(
                    .invalid(
                        path, GoStructure.show(context, zero: noContext),
                        "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
            }
            if context["capabilities"]["add"].elements.contains("CAP_SYS_ADMIN"), context["allowPrivilegeEscalation"].bool == false {
                errors.append(
                    .invalid(
                        path, GoStructure.show(context, zero: noContext),
                        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"))
            }
        },
        "core.v1.SeccompProfile": { profile, path, errors in
            let isLocal = profile["type"].string == "Localhost"
            if profile["type"].isEmpty { errors.append(.required(path.child("type"), "type is required when seccompProfile is set")) }
            if isLocal, profile["localhostProfile"].isNull {
                errors.append(.required(path.child("localhostProfile"), "must be set when seccomp type is Localhost"))
            }
            if !isLocal, !profile["localhostProfile"].isNull {
                errors.append(.invalid(path.child("localhostProfile"), profile, "can only be set when seccomp type is Localhost"))
            }
        },
        "core.v1.AppArmorProfile": { profile, path, errors in
            let field = path.child("localhostProfile")
            switch profile["type"].string {
            case nil, "": errors.append(.required(path.child("type"), "type is required when appArmorProfile is set"))
            case "Localhost":
                let name = profile["localhostProfile"].string ?? ""
                if name.trimmed.isEmpty, name == name.trimmed {
                    errors.append(.required(field, "must be set when AppArmor type is Localhost"))
                }
                if name != name.trimmed { errors.append(.invalid(field, .string(name), "must not be padded with whitespace")) }
                if name.utf8.count > longestPath { errors.append(.tooLong(field, limit: longestPath)) }
            default:
                guard !profile["localhostProfile"].isNull else { return }
                errors.append(.invalid(field, profile["localhostProfile"], "can only be set when AppArmor type is Localhost"))
            }
        },
        "core.v1.PodSecurityContext": { context, path, errors in
            var names: Set<String> = []
            for (index, sysctl) in context["sysctls"].elements.enumerated() {
                let (name, field) = (sysctl["name"].string ?? "", path.child("sysctls").index(index).child("name"))
                if name.isEmpty {
                    errors.append(.required(field))
                } else if !Names.isSysctl(name) {
                    errors.append(.invalid(field, .string(name), "must have at most 253 characters and match regex \(Names.sysctlPattern)"))
                } else if !names.insert(name).inserted {
                    errors.append(.duplicate(field, .string(name)))
                }
            }
        },
    ]

    private static let noContext: GoStructure.Zero = [
        "capabilities": .null, "privileged": .null, "seLinuxOptions": .null, "windowsOptions": .null, "runAsUser": .null,
        "runAsGroup": .null, "runAsNonRoot": .null, "readOnlyRootFilesystem": .null, "allowPrivilegeEscalation": .null,
        "procMount": .null, "seccompProfile": .null, "appArmorProfile": .null,
    ]

    /// `PATH_MAX` without the byte that ends a path.
    private static let longestPath = 4095

    /// What a pod may not ask for at once with a namespace of the host, or without one of its own.
    static func hostSharing(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, sysctl) in spec["securityContext"]["sysctls"].elements.enumerated() {
            let name = (sysctl["name"].string ?? "").replacing("/", with: ".")
            let field = path.child("securityContext", "sysctls").index(index).child("name")
            for (flag, prefixes) in sysctlNamespaces where spec[flag].bool == true && prefixes.contains(where: name.hasPrefix) {
                errors.append(.invalid(field, sysctl["name"], "may not be specified when '\(flag)' is true"))
            }
        }
        let hasOwnUsers = spec["hostUsers"].bool == false
        for (flag, name) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")]
        where hasOwnUsers && spec[flag].bool == true {
            errors.append(.forbidden(path.child(name), "when `hostUsers` is false"))
        }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in spec[list].elements.enumerated() {
                let field = path.child(list).index(index)
                if hasOwnUsers, !container["volumeDevices"].isEmpty {
                    errors.append(.forbidden(field.child("volumeDevices"), "when `hostUsers` is false"))
                }
                if !hasOwnUsers, container["securityContext"]["procMount"].string == "Unmasked" {
                    errors.append(
                        .invalid(field.child("securityContext", "procMount"), "Unmasked", "`hostUsers` must be false to use `Unmasked`"))
                }
            }
        }
    }

    /// The kernel keeps these apart for each namespace of its kind, and for no other.
    private static let sysctlNamespaces = [
        ("hostNetwork", ["net."]), ("hostIPC", ["kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."]),
    ]
}
