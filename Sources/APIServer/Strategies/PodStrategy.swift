import APIModel
import OrderedCollections

/// Pods: deleted with a grace period that the kubelet ends.
struct PodStrategy: Strategy {
    func prepareForCreate(_ pod: inout Value, _ target: Target, _ write: WriteContext) async throws {
        pod["status"] = ["phase": "Pending", "qosClass": .string(QualityOfService(spec: pod["spec"]).rawValue)]
        if !pod[path: "spec", "schedulingGates"].isEmpty {
            let message: Value = "Scheduling is blocked due to non-empty scheduling gates"
            pod["status"]["conditions"] = [
                [
                    "type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": message,
                    "lastTransitionTime": .string(Timestamp.now()),
                ]
            ]
        }
        Self.readAppArmor(&pod, write)
    }

    /// The profiles that older clients give in annotations go where the kubelet looks for them.
    private static func readAppArmor(_ pod: inout Value, _ write: WriteContext) {
        let annotations = pod[path: "metadata", "annotations"].fields.filter { $0.key.hasPrefix(PodAnnotations.appArmor) }
        guard !annotations.isEmpty else { return }
        for list in ["initContainers", "containers"] {
            for (index, container) in pod["spec"][list].elements.enumerated() {
                let key = PodAnnotations.appArmor + (container["name"].string ?? "")
                guard let text = annotations[key]?.string, container[path: "securityContext", "appArmorProfile"].isNull else { continue }
                let profile = PodAnnotations.appArmorProfile(text)
                guard profile.isNull || profile != pod[path: "spec", "securityContext", "appArmorProfile"] else { continue }
                write.warn("metadata.annotations[\(key)]: deprecated since v1.30; use the \"appArmorProfile\" field instead")
                if !profile.isNull { pod["spec"][list][index]["securityContext"]["appArmorProfile"] = profile }
            }
        }
    }

    func prepareForUpdate(_ pod: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        switch target.subresource {
        case "status":
            if pod[path: "status", "qosClass"].isEmpty { pod["status"]["qosClass"] = old["status"]["qosClass"] }
        case "ephemeralcontainers":
            let containers = pod[path: "spec", "ephemeralContainers"]
            try Self.checkEphemeral(containers, old: old, target)
            Self.keep(old, version: pod, in: &pod)
            pod["spec"]["ephemeralContainers"] = containers
        case "resize":
            let wanted = pod["spec"]
            // What adds, takes away, renames or sorts containers is left to validation, which refuses it.
            guard PodResizeRules.hasSameContainers(wanted, old["spec"]) else { return }
            Self.keep(old, version: pod, in: &pod)
            pod["spec"]["resources"] = wanted["resources"]
            for list in ["containers", "initContainers"] { Self.resize(&pod, list, to: wanted[list]) }
        default: return
        }
    }

    func validate(_ pod: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        guard old == nil else { return [] }
        var errors = PodAnnotations.contradictions(in: pod)
        if !pod[path: "spec", "ephemeralContainers"].isEmpty {
            errors.append(.forbidden("spec.ephemeralContainers", "cannot be set on create"))
        }
        if !pod[path: "spec", "nodeName"].isEmpty, !pod[path: "spec", "schedulingGates"].isEmpty {
            errors.append(.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
        }
        return errors
    }

    /// A pod that no node has, or that has ended, goes at once.
    func gracePeriod(_ pod: Value, requested: Whole?) -> Whole? {
        if (pod[path: "spec", "nodeName"].string ?? "").isEmpty { return 0 }
        if let phase = pod[path: "status", "phase"].string, phase == "Failed" || phase == "Succeeded" { return 0 }
        return requested ?? pod[path: "spec", "terminationGracePeriodSeconds"].seconds ?? 30
    }

    /// `old`, to be written at the resourceVersion that the client named.
    private static func keep(_ old: Value, version: Value, in pod: inout Value) {
        let resourceVersion = version["metadata"]["resourceVersion"]
        pod = old
        pod["metadata"]["resourceVersion"] = resourceVersion
    }

    private static func checkEphemeral(_ containers: Value, old: Value, _ target: Target) throws {
        for (index, before) in old[path: "spec", "ephemeralContainers"].elements.enumerated() where containers[index] != before {
            throw target.invalid([
                .forbidden(
                    "spec.ephemeralContainers", "existing ephemeral containers \"\(before["name"].string ?? "")\" may not be changed\n")
            ])
        }
        let names = ["containers", "initContainers"].flatMap { old["spec"][$0].elements.compactMap { $0["name"].string } }
        for (index, container) in containers.elements.enumerated() where names.contains(container["name"].string ?? "") {
            throw target.invalid([.duplicate(FieldPath("spec.ephemeralContainers[\(index)].name"), container["name"])])
        }
    }

    private static func resize(_ pod: inout Value, _ list: String, to wanted: Value) {
        for (index, container) in wanted.elements.enumerated() {
            pod["spec"][list][index]["resources"] = container["resources"]
            pod["spec"][list][index]["resizePolicy"] = container["resizePolicy"]
        }
    }
}
