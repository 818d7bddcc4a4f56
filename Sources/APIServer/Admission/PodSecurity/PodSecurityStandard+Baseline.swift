import APIModel
import OrderedCollections

extension PodSecurityStandard {
    private typealias Words = PodSecurityWords

    static let baseline: [Entry] = [
        Entry(id: "appArmorProfile", level: .baseline, versions: [(0, appArmor)]),
        Entry(id: "capabilities_baseline", level: .baseline, versions: [(0, capabilities)]),
        Entry(id: "hostNamespaces", level: .baseline, versions: [(0, hostNamespaces)]),
        Entry(id: "hostPathVolumes", level: .baseline, versions: [(0, hostPaths)]),
        Entry(id: "hostPorts", level: .baseline, versions: [(0, hostPorts)]),
        Entry(id: "hostProbesAndHostLifecycle", level: .baseline, versions: [(34, probeHosts)]),
        Entry(id: "privileged", level: .baseline, versions: [(0, privileged)]),
        Entry(id: "procMount", level: .baseline, versions: [(0, procMount), (35, { $0.hasOwnUsers ? nil : procMount($0) })]),
        Entry(
            id: "seLinuxOptions", level: .baseline,
            versions: [(0, { seLinux($0, selinuxTypes) }), (31, { seLinux($0, selinuxTypes.union(["container_engine_t"])) })]),
        Entry(id: "seccompProfile_baseline", level: .baseline, versions: [(0, seccompAnnotations), (19, seccomp)]),
        Entry(
            id: "sysctls", level: .baseline,
            versions: sysctls.map { since, _ in (since, { pod in sysctls(pod, since: since) }) }),
        Entry(id: "windowsHostProcess", level: .baseline, versions: [(0, hostProcess)]),
    ]

    private static let appArmor: Check = { pod in
        let allowed: Set = ["RuntimeDefault", "Localhost"]
        func type(_ holder: Value) -> String? { holder["securityContext"]["appArmorProfile"]["type"].string }
        func isBad(_ holder: Value) -> Bool {
            !holder["securityContext"]["appArmorProfile"].isNull && !allowed.contains(type(holder) ?? "")
        }
        var setters = Words.setters(pod: isBad(pod.spec), pod.names(where: isBad))
        var values = Set(([pod.spec] + pod.containers).filter(isBad).map { type($0) ?? "" }).sorted()
        let annotations = pod.metadata["annotations"].fields.compactMap { key, value -> String? in
            guard key.hasPrefix("container.apparmor.security.beta.kubernetes.io/"), let profile = value.string, !profile.isEmpty,
                profile != "runtime/default", !profile.hasPrefix("localhost/")
            else { return nil }
            return "\(key)=\(FieldError.quoted(profile))"
        }
        if !annotations.isEmpty {
            values += annotations.sorted()
            setters += (setters.isEmpty ? "" : " and ") + Words.plural("annotation", annotations.count)
        }
        guard !setters.isEmpty else { return nil }
        return Violation(
            reason: Words.plural("forbidden AppArmor profile", values.count),
            detail: "\(setters) must not set AppArmor profile type to \(Words.quoted(values))")
    }

    private static let usualCapabilities: Set = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP",
        "SETUID", "SYS_CHROOT",
    ]

    private static let capabilities: Check = { pod in
        func added(_ container: Value) -> [String] {
            container["securityContext"]["capabilities"]["add"].elements.compactMap(\.string).filter { !usualCapabilities.contains($0) }
        }
        let names = pod.names { !added($0).isEmpty }
        guard !names.isEmpty else { return nil }
        return Violation(
            reason: "non-default capabilities",
            detail:
                "\(Words.listed("container", names)) must not include \(Words.quoted(Set(pod.containers.flatMap(added)).sorted())) in securityContext.capabilities.add"
        )
    }

    private static let hostNamespaces: Check = { pod in
        let shared = ["hostNetwork", "hostPID", "hostIPC"].filter { pod.spec[$0].bool == true }
        return shared.isEmpty
            ? nil : Violation(reason: "host namespaces", detail: shared.map { "\($0)=true" }.joined(separator: ", "))
    }

    private static let hostPaths: Check = { pod in
        let names = pod.spec["volumes"].elements.filter { !$0["hostPath"].isNull }.map { $0["name"].string ?? "" }
        return names.isEmpty ? nil : Violation(reason: "hostPath volumes", detail: Words.listed("volume", names))
    }

    private static let hostPorts: Check = { pod in
        func ports(_ container: Value) -> [String] {
            container["ports"].elements.compactMap { $0["hostPort"].int }.filter { $0 != 0 }.map(\.description)
        }
        let names = pod.names { !ports($0).isEmpty }
        guard !names.isEmpty else { return nil }
        let all = Set(pod.containers.flatMap(ports)).sorted()
        return Violation(
            reason: "hostPort",
            detail:
                "\(Words.listed("container", names)) \(names.count == 1 ? "uses" : "use") \(Words.plural("hostPort", all.count)) \(all.joined(separator: ", "))"
        )
    }

    private static let probeHosts: Check = { pod in
        func hosts(_ container: Value) -> [String] {
            let handlers =
                ["livenessProbe", "readinessProbe", "startupProbe"].map { container[$0] }
                + ["postStart", "preStop"].map { container["lifecycle"][$0] }
            return handlers.flatMap { [$0["httpGet"]["host"], $0["tcpSocket"]["host"]] }.compactMap(\.string).filter { !$0.isEmpty }
        }
        let names = Set(pod.names { !hosts($0).isEmpty }).sorted()
        guard !names.isEmpty else { return nil }
        let all = Set(pod.containers.flatMap(hosts)).sorted()
        return Violation(
            reason: "probe or lifecycle host",
            detail:
                "\(Words.listed("container", names)) \(names.count == 1 ? "uses" : "use") \(Words.listed("probe or lifecycle host", all))"
        )
    }

    private static let privileged: Check = { pod in
        let names = pod.names { $0["securityContext"]["privileged"].bool == true }
        return names.isEmpty
            ? nil
            : Violation(
                reason: "privileged", detail: "\(Words.listed("container", names)) must not set securityContext.privileged=true")
    }

    static let procMount: Check = { pod in
        func mount(_ container: Value) -> String? {
            container["securityContext"]["procMount"].string.flatMap { $0 == "Default" ? nil : $0 }
        }
        let names = pod.names { mount($0) != nil }
        guard !names.isEmpty else { return nil }
        return Violation(
            reason: "procMount",
            detail:
                "\(Words.listed("container", names)) must not set securityContext.procMount to \(Words.quoted(Set(pod.containers.compactMap(mount)).sorted()))"
        )
    }

    private static let selinuxTypes: Set = ["", "container_t", "container_init_t", "container_kvm_t"]

    private static func seLinux(_ pod: PodSecuritySubject, _ allowed: Set<String>) -> Violation? {
        func options(_ holder: Value) -> Value { holder["securityContext"]["seLinuxOptions"] }
        func isBad(_ holder: Value) -> Bool {
            !allowed.contains(options(holder)["type"].string ?? "") || !options(holder)["user"].isEmpty || !options(holder)["role"].isEmpty
        }
        let setters = Words.setters(pod: isBad(pod.spec), pod.names(where: isBad))
        guard !setters.isEmpty else { return nil }
        let all = ([pod.spec] + pod.containers).map(options)
        let types = Set(all.compactMap { $0["type"].string }.filter { !allowed.contains($0) }).sorted()
        var data = types.isEmpty ? [] : [Words.listed("type", types)]
        for field in ["user", "role"] where all.contains(where: { !$0[field].isEmpty }) { data.append("\(field) may not be set") }
        return Violation(
            reason: "seLinuxOptions",
            detail: "\(setters) set forbidden securityContext.seLinuxOptions: \(data.joined(separator: "; "))")
    }

    private static let seccompAnnotations: Check = { pod in
        let pods = "seccomp.security.alpha.kubernetes.io/pod"
        let keys = [pods] + pod.containers.map { "container.seccomp.security.alpha.kubernetes.io/\($0["name"].string ?? "")" }
        let forbidden = Set(
            keys.compactMap { key -> String? in
                guard let profile = pod.metadata["annotations"][key].string, profile != "runtime/default", profile != "docker/default",
                    !profile.hasPrefix("localhost/")
                else { return nil }
                return "\(key)=\(FieldError.quoted(profile))"
            }
        ).sorted()
        guard !forbidden.isEmpty else { return nil }
        return Violation(
            reason: "seccompProfile",
            detail: "forbidden \(Words.plural("annotation", forbidden.count)) \(forbidden.joined(separator: ", "))")
    }

    /// Who says a profile that may not be.
    static let seccomp: Check = { pod in
        let setters = Words.setters(pod: hasBadSeccomp(pod.spec), pod.names(where: hasBadSeccomp))
        guard !setters.isEmpty else { return nil }
        let values = Set(([pod.spec] + pod.containers).filter(hasBadSeccomp).map { seccompType($0) ?? "" }).sorted()
        return Violation(
            reason: "seccompProfile", detail: "\(setters) must not set securityContext.seccompProfile.type to \(Words.quoted(values))")
    }

    static func seccompType(_ holder: Value) -> String? {
        let profile = holder["securityContext"]["seccompProfile"]
        return profile.isNull ? nil : profile["type"].string ?? ""
    }

    private static func hasBadSeccomp(_ holder: Value) -> Bool {
        seccompType(holder).map { $0 != "RuntimeDefault" && $0 != "Localhost" } ?? false
    }

    /// What each version allowed beside those before it.
    private static let sysctls: [(since: Int, names: Set<String>)] = [
        (
            0,
            [
                "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
                "net.ipv4.ip_unprivileged_port_start",
            ]
        ), (27, ["net.ipv4.ip_local_reserved_ports"]),
        (
            29,
            [
                "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
                "net.ipv4.tcp_keepalive_probes",
            ]
        ), (32, ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"]),
    ]

    private static func sysctls(_ pod: PodSecuritySubject, since: Int) -> Violation? {
        let allowed = sysctls.filter { $0.since <= since }.reduce(into: Set<String>()) { $0.formUnion($1.names) }
        let forbidden = pod.spec["securityContext"]["sysctls"].elements.compactMap { $0["name"].string }.filter { !allowed.contains($0) }
        return forbidden.isEmpty ? nil : Violation(reason: "forbidden sysctls", detail: forbidden.joined(separator: ", "))
    }

    private static let hostProcess: Check = { pod in
        func isBad(_ holder: Value) -> Bool { holder["securityContext"]["windowsOptions"]["hostProcess"].bool == true }
        let setters = Words.setters(pod: isBad(pod.spec), pod.names(where: isBad))
        return setters.isEmpty
            ? nil
            : Violation(reason: "hostProcess", detail: "\(setters) must not set securityContext.windowsOptions.hostProcess=true")
    }
}
