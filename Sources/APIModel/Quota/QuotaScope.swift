internal import OrderedCollections

/// One condition on the objects that a quota counts: an entry of `spec.scopes`, or of the scope selector.
public struct QuotaScope: Sendable, Hashable {
    public var name: String
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`.
    public var `operator`: String
    public var values: Set<String>

    /// All conditions of a ResourceQuota.
    public static func all(of quota: Value) -> [QuotaScope] {
        let spec = quota["spec"]
        return spec["scopes"].elements.map { QuotaScope(name: $0.string ?? "", operator: "Exists", values: []) }
            + spec["scopeSelector"]["matchExpressions"].elements.map {
                QuotaScope(
                    name: $0["scopeName"].string ?? "", operator: $0["operator"].string ?? "",
                    values: Set($0["values"].elements.compactMap(\.string)))
            }
    }

    /// Whether an object that is known by `names`, or by none, fulfils the condition.
    func accepts(_ names: [String]) -> Bool {
        switch `operator` {
        case "Exists": !names.isEmpty
        case "DoesNotExist": names.isEmpty
        case "In": names.contains { values.contains($0) }
        case "NotIn": names.isEmpty || names.contains { !values.contains($0) }
        default: false
        }
    }
}
