import APIModel
import Client

/// How something is to be deleted.
struct DeleteOptions: Sendable {
    enum Propagation: String, Sendable {
        case background = "Background"
        case foreground = "Foreground"
        case orphan = "Orphan"
    }

    var gracePeriodSeconds: Whole?
    var propagation: Propagation?
    var uid: String?
    var resourceVersion: String?
    var isDryRun = false
    /// Whether there was a body that said so, and not the query alone.
    var isSent = false

    init() {}

    /// Reads a `DeleteOptions` of `meta.k8s.io/v1`; `.null` asks for nothing special.
    init(_ value: Value) throws {
        gracePeriodSeconds = value["gracePeriodSeconds"].seconds
        uid = value[path: "preconditions", "uid"].string
        resourceVersion = value[path: "preconditions", "resourceVersion"].string
        isDryRun = try WriteOptions.dryRun(value["dryRun"].elements, "DeleteOptions")
        if let policy = value["propagationPolicy"].string {
            var errors: [FieldError] = []
            if !value["orphanDependents"].isNull {
                let message = "orphanDependents and deletionPropagation cannot be both set"
                errors.append(.invalid("propagationPolicy", .string(policy), message))
            }
            propagation = Propagation(rawValue: policy)
            if propagation == nil {
                errors.append(.notSupported("propagationPolicy", .string(policy), ["Foreground", "Background", "Orphan", "nil"]))
            }
            guard errors.isEmpty else { throw APIError.invalid(group: "meta.k8s.io", kind: "DeleteOptions", name: "", errors: errors) }
        } else if let orphan = value["orphanDependents"].bool {
            propagation = orphan ? .orphan : .background
        }
        if let grace = gracePeriodSeconds, grace < 0 { gracePeriodSeconds = 1 }
    }

    /// - Throws: 409 when the object is not the one that is meant.
    func check(_ object: Value, _ target: Target) throws {
        let metadata = object["metadata"]
        if let uid, uid != metadata["uid"].string {
            let present = metadata["uid"].string ?? ""
            throw Self.conflict(
                target,
                "the UID in the precondition (\(uid)) does not match the UID in record (\(present)). The object might have been deleted and then recreated"
            )
        }
        if let resourceVersion, resourceVersion != metadata["resourceVersion"].string {
            let present = metadata["resourceVersion"].string ?? ""
            throw Self.conflict(
                target,
                "the ResourceVersion in the precondition (\(resourceVersion)) does not match the ResourceVersion in record (\(present)). The object might have been modified"
            )
        }
    }

    /// Named by its kind, other than what an update runs into.
    private static func conflict(_ target: Target, _ why: String) -> APIError {
        let (kind, group) = (target.type.kind, target.type.group)
        return .conflict(group.isEmpty ? kind : "\(kind).\(group)", target.name, why)
    }
}
