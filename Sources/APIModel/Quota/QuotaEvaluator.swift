/// What quotas count of one resource. Rules: upstream `pkg/quota/v1/evaluator/core`.
public protocol QuotaEvaluator: Sendable {
    /// Whether it counts the resource that a quota names: `pods`, `requests.cpu`, `count/pods`.
    func counts(_ resource: String) -> Bool
    /// What the object uses of all that quotas can name.
    ///
    /// - Parameter now: seconds since 1970.
    func usage(of object: Value, now: Whole) -> ResourceList
    /// Whether the object is within the scope.
    func matches(_ scope: QuotaScope, _ object: Value) -> Bool
    /// What the object must say for the named resources to be counted and does not, in upstream's words; `nil` when nothing is missing.
    func missing(for resources: [String], _ object: Value) -> String?
    /// Whether a change may use more than before. Every creation may.
    func mayUseMore(_ object: Value, than old: Value, subresource: String) -> Bool
    /// Whether a change may leave more to others.
    func mayUseLess(_ object: Value, than old: Value, now: Whole) -> Bool
}

extension QuotaEvaluator {
    public func matches(_ scope: QuotaScope, _ object: Value) -> Bool { false }
    public func missing(for resources: [String], _ object: Value) -> String? { nil }
    public func mayUseMore(_ object: Value, than old: Value, subresource: String) -> Bool { false }
    public func mayUseLess(_ object: Value, than old: Value, now: Whole) -> Bool { false }
}

/// Who counts which resource.
public enum QuotaEvaluators {
    /// For a collection, `apps/deployments` or `/pods`; `nil` for what no quota counts.
    public static func evaluator(for collection: String) -> (any QuotaEvaluator)? {
        if ignored.contains(collection) { return nil }
        return special[collection] ?? ObjectQuota(collection)
    }

    /// The collections that are counted by more than their number, or under another name than `count/…`.
    public static let named: [String] = special.keys.sorted()

    private static let special: [String: any QuotaEvaluator] = [
        "/pods": PodQuota(), "/services": ServiceQuota(), "/persistentvolumeclaims": ClaimQuota(),
        "resource.k8s.io/resourceclaims": DeviceClaimQuota(), "/configmaps": ObjectQuota("/configmaps", alias: "configmaps"),
        "/resourcequotas": ObjectQuota("/resourcequotas", alias: "resourcequotas"), "/secrets": ObjectQuota("/secrets", alias: "secrets"),
        "/replicationcontrollers": ObjectQuota("/replicationcontrollers", alias: "replicationcontrollers"),
    ]

    private static let ignored: Set = [
        "/bindings", "/componentstatuses", "/events", "events.k8s.io/events", "authentication.k8s.io/tokenreviews",
        "authentication.k8s.io/selfsubjectreviews", "authorization.k8s.io/subjectaccessreviews",
        "authorization.k8s.io/selfsubjectaccessreviews", "authorization.k8s.io/localsubjectaccessreviews",
        "authorization.k8s.io/selfsubjectrulesreviews",
    ]
}

/// Counts objects, whatever they say.
struct ObjectQuota: QuotaEvaluator {
    /// `count/deployments.apps`
    let count: String
    private let alias: String?

    init(_ collection: String, alias: String? = nil) {
        count = Self.name(collection)
        self.alias = alias
    }

    static func name(_ collection: String) -> String {
        let parts = collection.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let (group, resource) = (parts.first ?? "", parts.last ?? "")
        return group.isEmpty ? "count/\(resource)" : "count/\(resource).\(group)"
    }

    func counts(_ resource: String) -> Bool { resource == count || resource == alias }

    func usage(of object: Value, now: Whole) -> ResourceList {
        var usage = ResourceList([count: .one])
        if let alias { usage[alias] = .one }
        return usage
    }
}

extension Quantity {
    static let one = Quantity(value: 1)
}
