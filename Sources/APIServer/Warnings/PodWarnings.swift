import APIModel
import OrderedCollections

/// Pods, alone and in the templates of workloads.
enum PodWarnings {
    /// - Parameters:
    ///   - pod: a Pod or a PodTemplateSpec.
    ///   - path: where it stands in the object; empty for a Pod.
    static func of(_ pod: Value, at path: FieldPath, isTemplate: Bool = false) -> [String] {
        let (spec, field, annotations) = (pod["spec"], path.child("spec"), pod["metadata"]["annotations"])
        let notes = path.child("metadata", "annotations")
        var warnings = nodes(spec, at: field)
        for (name, text) in deprecatedAnnotations where !annotations[name].isNull { warnings.append("\(notes.key(name)): \(text)") }
        warnings += volumes(spec["volumes"].elements, at: field.child("volumes"))
        warnings += VolumePaths.overlaps(spec["volumes"].elements)
        warnings += duplicates(spec["hostAliases"], "ip", at: field.child("hostAliases"))
        warnings += duplicates(spec["imagePullSecrets"], "name", at: field.child("imagePullSecrets"))
        for (index, secret) in spec["imagePullSecrets"].elements.enumerated() where secret["name"].isEmpty {
            warnings.append("\(field.child("imagePullSecrets").index(index).child("name")): invalid empty name \"\"")
        }
        for resource in bytes { warnings += StorageWarnings.fraction(spec["overhead"], resource, at: field.child("overhead")) }
        if !annotations[PodAnnotations.seccompPod].isNull, spec["securityContext"]["seccompProfile"].isNull {
            warnings.append(seccomp(notes.key(PodAnnotations.seccompPod)))
        }
        let containers = all(spec, at: field)
        for (container, place) in containers {
            if !annotations.isEmpty {
                warnings += profiles(of: container, annotations, spec["securityContext"], at: notes, isTemplate: isTemplate)
            }
            for resource in bytes {
                for list in ["limits", "requests"] {
                    warnings += StorageWarnings.fraction(container["resources"][list], resource, at: place.child("resources", list))
                }
            }
            warnings += environment(container["env"].elements, at: place.child("env"))
        }
        warnings += PodPorts.warnings(containers)
        if let grace = spec["terminationGracePeriodSeconds"].int, grace < 0 {
            warnings.append(
                "\(field.child("terminationGracePeriodSeconds")): must be >= 0; negative values are invalid and will be treated as 1")
        }
        warnings += affinities(spec["affinity"], at: field.child("affinity"))
        warnings += AddressWarnings.ips(spec["dnsConfig"]["nameservers"], at: field.child("dnsConfig", "nameservers"))
        for (index, alias) in spec["hostAliases"].elements.enumerated() {
            warnings += AddressWarnings.ip(alias["ip"], at: field.child("hostAliases").index(index).child("ip"))
        }
        return warnings
    }

    private static let bytes = ["memory", "ephemeral-storage"]

    private static let deprecatedAnnotations = [
        ("scheduler.alpha.kubernetes.io/critical-pod", "non-functional in v1.16+; use the \"priorityClassName\" field instead"),
        ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
        ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ]

    /// Of all sorts, each with its place.
    private static func all(_ spec: Value, at path: FieldPath) -> [(Value, FieldPath)] {
        ["initContainers", "containers", "ephemeralContainers"].flatMap { list in
            spec[list].elements.enumerated().map { ($1, path.child(list).index($0)) }
        }
    }

    // MARK: Nodes

    private static func nodes(_ spec: Value, at path: FieldPath) -> [String] {
        var warnings = spec["nodeSelector"].fields.keys.compactMap { name in
            NodeWarnings.ofLabel(name).map { "\(path.child("nodeSelector").key(name)): \($0)" }
        }
        let (affinity, place) = (spec["affinity"]["nodeAffinity"], path.child("affinity", "nodeAffinity"))
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        for (index, term) in affinity[required]["nodeSelectorTerms"].elements.enumerated() {
            let path = place.child(required, "nodeSelectorTerms").index(index)
            warnings += NodeWarnings.term(term, checksValues: false, at: path)
        }
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        for (index, term) in affinity[preferred].elements.enumerated() {
            let path = place.child(preferred).index(index).child("preference")
            warnings += NodeWarnings.term(term["preference"], checksValues: true, at: path)
        }
        for (index, constraint) in spec["topologySpreadConstraints"].elements.enumerated() {
            let path = path.child("topologySpreadConstraints").index(index)
            warnings += NodeWarnings.key(constraint["topologyKey"], at: path.child("topologyKey"))
            warnings += selector(constraint, at: path)
        }
        return warnings
    }

    private static func affinities(_ affinity: Value, at path: FieldPath) -> [String] {
        ["podAffinity", "podAntiAffinity"].flatMap { kind in
            let (required, preferred) = (
                "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
            )
            let place = path.child(kind)
            return affinity[kind][required].elements.enumerated().flatMap { selector($1, at: place.child(required).index($0)) }
                + affinity[kind][preferred].elements.enumerated().flatMap {
                    selector($1["podAffinityTerm"], at: place.child(preferred).index($0).child("podAffinityTerm"))
                }
        }
    }

    private static func selector(_ term: Value, at path: FieldPath) -> [String] {
        term["labelSelector"].isNull ? ["\(path.child("labelSelector")): a null labelSelector results in matching no pod"] : []
    }

    // MARK: Parts

    private static func volumes(_ volumes: [Value], at path: FieldPath) -> [String] {
        volumes.enumerated().flatMap { index, volume in
            let path = path.index(index)
            let claim = volume["ephemeral"]["volumeClaimTemplate"]
            return StorageWarnings.deprecatedSources.filter { !volume[$0.0].isNull }
                .map { "\(path.child(StorageWarnings.spelled($0.0))): \($0.1)" }
                + StorageWarnings.claimSpec(claim["spec"], at: path.child("ephemeral", "volumeClaimTemplate", "spec"))
        }
    }

    private static func duplicates(_ list: Value, _ field: String, at path: FieldPath) -> [String] {
        var seen: Set<String> = []
        return list.elements.enumerated().compactMap { index, entry in
            let value = entry[field].string ?? ""
            return seen.insert(value).inserted ? nil : "\(path.index(index).child(field)): duplicate \(field) \"\(value)\""
        }
    }

    /// A variable given twice, unless the later one is made of the earlier.
    private static func environment(_ variables: [Value], at path: FieldPath) -> [String] {
        var seen: Set<String> = []
        return variables.enumerated().compactMap { index, variable in
            let (name, value) = (variable["name"].string ?? "", variable["value"].string ?? "")
            let reference = "$(\(name))"
            guard !seen.insert(name).inserted, !variable["valueFrom"].isNull || value == reference || !value.contains(reference) else {
                return nil
            }
            return "\(path.index(index)): hides previous definition of \"\(name)\", which may be dropped when using apply"
        }
    }

    // MARK: Profiles

    private static func seccomp(_ path: FieldPath) -> String {
        "\(path): non-functional in v1.27+; use the \"seccompProfile\" field instead"
    }

    private static func profiles(
        of container: Value, _ annotations: Value, _ security: Value, at notes: FieldPath, isTemplate: Bool
    ) -> [String] {
        let (name, own) = (container["name"].string ?? "", container["securityContext"])
        var warnings: [String] = []
        if !annotations[PodAnnotations.seccomp + name].isNull, own["seccompProfile"].isNull {
            warnings.append(seccomp(notes.key(PodAnnotations.seccomp + name)))
        }
        // Pods are told when their annotations become fields.
        let key = PodAnnotations.appArmor + name
        if isTemplate, own["appArmorProfile"].isNull, let text = annotations[key].string {
            let profile = security["appArmorProfile"]
            if profile.isNull || profile != PodAnnotations.appArmorProfile(text) {
                warnings.append("\(notes.key(key)): deprecated since v1.30; use the \"appArmorProfile\" field instead")
            }
        }
        return warnings
    }
}
