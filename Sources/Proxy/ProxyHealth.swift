public import APIModel

/// How a service proxy and its node do.
public struct ProxyHealth: Sendable {
    /// Why the newest wanted state is not in force, `nil` when it is.
    public var problem: String? = "no state is in force yet"
    /// When one was put in force last; `nil` while none was.
    public var lastUpdated: String?
    /// Whether load balancers may send this node anything new.
    public var isNodeEligible = true

    /// What the cluster's autoscaler puts on a node before it takes it away.
    private static let farewell = "ToBeDeletedByClusterAutoscaler"

    /// - Parameter node: `nil` where there is none.
    static func isEligible(_ node: Value?) -> Bool {
        guard let node, node["metadata"]["deletionTimestamp"].isNull else { return false }
        return !node["spec"]["taints"].elements.contains { $0["key"].string == farewell }
    }

    /// As upstream's kube-proxy writes it.
    ///
    /// - Parameter families: which the proxy carries.
    public func page(_ families: [IPFamily], now: String, tellsOfNode: Bool) -> Value {
        let updated = problem == nil ? now : lastUpdated ?? "0001-01-01T00:00:00Z"
        let status: Value = ["lastUpdated": .string(lastUpdated ?? updated), "healthy": .bool(problem == nil)]
        var page: Value = ["lastUpdated": .string(updated), "currentTime": .string(now)]
        if tellsOfNode { page["nodeEligible"] = .bool(isNodeEligible) }
        page["healthy"] = .bool(problem == nil)
        for family in families { page["status"][family.rawValue] = status }
        return page
    }
}
