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

    init() {}

    /// Reads a `DeleteOptions` of `meta.k8s.io/v1`; `.null` asks for nothing special.
    init(_ value: Value) throws {
        gracePeriodSeconds = value["gracePeriodSeconds"].seconds
        uid = value[path: "preconditions", "uid"].string
        resourceVersion = value[path: "preconditions", "resourceVersion"].string
        for element in value["dryRun"].elements { isDryRun = try WriteOptions.dryRun(element.string ?? "", "DeleteOptions") || isDryRun }
        if let policy = value["propagationPolicy"].string {
            guard let propagation = Propagation(rawValue: policy) else {
                let supported = "supported values: \"Background\", \"Foreground\", \"Orphan\", \"nil\""
                throw APIError(
                    code: 422, reason: .invalid,
                    message: "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"\(policy)\": \(supported)")
            }
            guard value["orphanDependents"].isNull else {
                throw APIError(
                    code: 422, reason: .invalid,
                    message:
                        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"\(policy)\": orphanDependents and deletionPropagation cannot be both set"
                )
            }
            self.propagation = propagation
        } else if let orphan = value["orphanDependents"].bool {
            propagation = orphan ? .orphan : .background
        }
        if let grace = gracePeriodSeconds, grace < 0 { gracePeriodSeconds = 1 }
    }

    /// - Throws: 409 when the object is not the one that is meant.
    func check(_ object: Value, _ target: Target) throws {
        let metadata = object["metadata"]
        if let uid, uid != metadata["uid"].string {
            throw target.conflict("Precondition failed: UID in precondition: \(uid), UID in object meta: \(metadata["uid"].string ?? "")")
        }
        if let resourceVersion, resourceVersion != metadata["resourceVersion"].string {
            throw target.conflict(
                "Precondition failed: ResourceVersion in precondition: \(resourceVersion), ResourceVersion in object meta: \(metadata["resourceVersion"].string ?? "")"
            )
        }
    }
}
