import APIModel
import OrderedCollections

extension PodSecurityStandard {
    private typealias Words = PodSecurityWords

    static let restricted: [Entry] = [
        Entry(
            id: "allowPrivilegeEscalation", level: .restricted,
            versions: [(8, privilegeEscalation), (25, { $0.isOfWindows ? nil : privilegeEscalation($0) })]),
        Entry(
            id: "capabilities_restricted", level: .restricted,
            versions: [(22, droppedCapabilities), (25, { $0.isOfWindows ? nil : droppedCapabilities($0) })],
            overrides: "capabilities_baseline"),
        Entry(id: "procMount_restricted", level: .restricted, versions: [(35, procMount)], overrides: "procMount"),
        Entry(id: "restrictedVolumes", level: .restricted, versions: [(0, volumes)], overrides: "hostPathVolumes"),
        Entry(id: "runAsNonRoot", level: .restricted, versions: [(0, runAsNonRoot), (35, { $0.hasOwnUsers ? nil : runAsNonRoot($0) })]),
        Entry(id: "runAsUser", level: .restricted, versions: [(23, runAsUser), (35, { $0.hasOwnUsers ? nil : runAsUser($0) })]),
        Entry(
            id: "seccompProfile_restricted", level: .restricted,
            versions: [(19, requiredSeccomp), (25, { $0.isOfWindows ? nil : requiredSeccomp($0) })], overrides: "seccompProfile_baseline"),
    ]

    private static let privilegeEscalation: Check = { pod in
        let names = pod.names { $0["securityContext"]["allowPrivilegeEscalation"].bool != false }
        return names.isEmpty
            ? nil
            : Violation(
                reason: "allowPrivilegeEscalation != false",
                detail: "\(Words.listed("container", names)) must set securityContext.allowPrivilegeEscalation=false")
    }

    private static let droppedCapabilities: Check = { pod in
        func list(_ container: Value, _ name: String) -> [String] {
            container["securityContext"]["capabilities"][name].elements.compactMap(\.string)
        }
        func forbidden(_ container: Value) -> [String] { list(container, "add").filter { $0 != "NET_BIND_SERVICE" } }
        let (keeping, adding) = (pod.names { !list($0, "drop").contains("ALL") }, pod.names { !forbidden($0).isEmpty })
        var details: [String] = []
        if !keeping.isEmpty { details.append("\(Words.listed("container", keeping)) must set securityContext.capabilities.drop=[\"ALL\"]") }
        if !adding.isEmpty {
            details.append(
                "\(Words.listed("container", adding)) must not include \(Words.quoted(Set(pod.containers.flatMap(forbidden)).sorted())) in securityContext.capabilities.add"
            )
        }
        return details.isEmpty ? nil : Violation(reason: "unrestricted capabilities", detail: details.joined(separator: "; "))
    }

    private static let allowedVolumes: Set = [
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
    ]

    private static let volumes: Check = { pod in
        let bad = pod.spec["volumes"].elements.filter { volume in !volume.fields.keys.contains(where: allowedVolumes.contains) }
        guard !bad.isEmpty else { return nil }
        let types = Set(bad.map { $0.fields.keys.first { $0 != "name" } ?? "unknown" }).sorted()
        return Violation(
            reason: "restricted volume types",
            detail:
                "\(Words.listed("volume", bad.map { $0["name"].string ?? "" })) \(bad.count == 1 ? "uses" : "use") \(Words.listed("restricted volume type", types))"
        )
    }

    private static let runAsNonRoot: Check = { pod in
        func said(_ holder: Value) -> Bool? { holder["securityContext"]["runAsNonRoot"].bool }
        let setters = Words.setters(pod: said(pod.spec) == false, pod.names { said($0) == false })
        if !setters.isEmpty {
            return Violation(reason: "runAsNonRoot != true", detail: "\(setters) must not set securityContext.runAsNonRoot=false")
        }
        let silent = said(pod.spec) == true ? [] : pod.names { said($0) == nil }
        return silent.isEmpty
            ? nil
            : Violation(
                reason: "runAsNonRoot != true",
                detail: "pod or \(Words.listed("container", silent)) must set securityContext.runAsNonRoot=true")
    }

    private static let runAsUser: Check = { pod in
        func isRoot(_ holder: Value) -> Bool { holder["securityContext"]["runAsUser"].int == 0 }
        let setters = Words.setters(pod: isRoot(pod.spec), pod.names(where: isRoot))
        return setters.isEmpty ? nil : Violation(reason: "runAsUser=0", detail: "\(setters) must not set runAsUser=0")
    }

    private static let requiredSeccomp: Check = { pod in
        if let bad = seccomp(pod) { return bad }
        let silent = seccompType(pod.spec) != nil ? [] : pod.names { seccompType($0) == nil }
        return silent.isEmpty
            ? nil
            : Violation(
                reason: "seccompProfile",
                detail:
                    "pod or \(Words.listed("container", silent)) must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""
            )
    }
}
