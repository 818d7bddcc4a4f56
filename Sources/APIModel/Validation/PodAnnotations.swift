internal import OrderedCollections

/// The annotations that once said what fields of the pod say now: of a form that is known, and never against the field.
public enum PodAnnotations {
    /// With the name of a container behind it.
    public static let appArmor = "container.apparmor.security.beta.kubernetes.io/"
    public static let seccompPod = "seccomp.security.alpha.kubernetes.io/pod"
    public static let seccomp = "container.seccomp.security.alpha.kubernetes.io/"
    private static let mirror = "kubernetes.io/config.mirror"
    private static let deletionCost = "controller.kubernetes.io/pod-deletion-cost"
    private static let lists = ["initContainers", "containers", "ephemeralContainers"]

    static func check(_ annotations: Value, _ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (key, annotation) in annotations.fields {
            guard let text = annotation.string else { continue }
            if key == mirror, spec["nodeName"].isEmpty {
                errors.append(.invalid(path.key(key), annotation, "must set spec.nodeName if mirror pod annotation is set"))
            }
            if key == deletionCost, !isDeletionCost(text) {
                errors.append(.invalid(path.key(key), annotation, "must be a 32bit integer"))
            }
            if key == seccompPod || key.hasPrefix(seccomp) { seccompProfile(text, path.child(key), &errors) }
            guard key.hasPrefix(appArmor) else { continue }
            let container = String(key.dropFirst(appArmor.count))
            if !lists.contains(where: { spec[$0].elements.contains { $0["name"].string == container } }) {
                errors.append(.invalid(path.key(key), .string(container), "container not found"))
            }
            if !text.isEmpty, text != "runtime/default", text != "unconfined", !text.hasPrefix("localhost/") {
                errors.append(.invalid(path.key(key), annotation, "invalid AppArmor profile name: \(FieldError.quoted(text))"))
            }
        }
    }

    /// A number of 32 bits without a plus or zeros in front.
    private static func isDeletionCost(_ text: String) -> Bool {
        guard let first = text.utf8.first, first == UInt8(ascii: "-") || text == "0" || Names.isDigit(first) && first != UInt8(ascii: "0")
        else { return false }
        return Int32(text) != nil
    }

    private static func seccompProfile(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if ["runtime/default", "docker/default", "unconfined"].contains(text) { return }
        guard text.hasPrefix("localhost/") else {
            errors.append(.invalid(path, .string(text), "must be a valid seccomp profile"))
            return
        }
        let profile = String(text.dropFirst("localhost/".count))
        if profile.hasPrefix("/") { errors.append(.invalid(path, .string(profile), "must be a relative path")) }
        if profile.split(separator: "/").contains("..") { errors.append(.invalid(path, .string(profile), "must not contain '..'")) }
    }

    /// What no update of a pod may change.
    static func checkUpdate(_ new: Value, old: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for key in Set(new.fields.keys).union(old.fields.keys).sorted() where new[key] != old[key] {
            let what = key == mirror ? "mirror pod annotation" : key.hasPrefix(appArmor) ? "AppArmor annotations" : ""
            guard !what.isEmpty else { continue }
            errors.append(.forbidden(path.key(key), old[key].isNull ? "may not add \(what)" : "may not remove or update \(what)"))
        }
    }

    /// Where a new pod says one thing in an annotation and another in the field.
    public static func contradictions(in pod: Value) -> [FieldError] {
        let (annotations, spec) = (pod[path: "metadata", "annotations"], pod["spec"])
        guard !annotations.isEmpty else { return [] }
        var errors: [FieldError] = []
        if let text = annotations[seccompPod].string {
            compare(text, spec["securityContext"]["seccompProfile"], "seccomp", "spec.securityContext.seccompProfile", &errors)
        }
        for list in lists {
            for (index, container) in spec[list].elements.enumerated() {
                let field = FieldPath("spec").child(list).index(index).child("securityContext")
                let name = container["name"].string ?? ""
                if let text = annotations[seccomp + name].string {
                    compare(text, container["securityContext"]["seccompProfile"], "seccomp", field.child("seccompProfile"), &errors)
                }
                if let text = annotations[appArmor + name].string {
                    let own = container["securityContext"]["appArmorProfile"]
                    let profile = own.isNull ? spec["securityContext"]["appArmorProfile"] : own
                    compare(text, profile, "apparmor", field.child("appArmorProfile"), &errors)
                }
            }
        }
        return errors
    }

    private static func compare(_ text: String, _ profile: Value, _ what: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let accepted: [String: [String]] = ["Unconfined": ["unconfined"], "RuntimeDefault": ["runtime/default", "docker/default"]]
        guard let type = profile["type"].string else { return }
        if type == "Localhost", text.hasPrefix("localhost/") {
            guard text != "localhost/\(profile["localhostProfile"].string ?? "")" else { return }
            errors.append(.forbidden(path.child("localhostProfile"), "\(what) profile in annotation and field must match"))
        } else if !(accepted[type]?.contains(text) ?? false) {
            errors.append(.forbidden(path.child("type"), "\(what) type in annotation and field must match"))
        }
    }

    /// What an AppArmor annotation says, as the field says it; `.null` for one that says nothing.
    public static func appArmorProfile(_ text: String) -> Value {
        switch text {
        case "unconfined": return ["type": "Unconfined"]
        case "runtime/default": return ["type": "RuntimeDefault"]
        default:
            let name = text.hasPrefix("localhost/") ? String(text.dropFirst("localhost/".count)) : ""
            return name.isEmpty || name != name.trimmed ? .null : ["type": "Localhost", "localhostProfile": .string(name)]
        }
    }
}
