/// Whether a Node is one that a Pod asks for and may stay on, by what the two say of themselves: for controllers that pick Nodes, and for
/// the kubelet, which takes no Pod that does not belong.
public enum NodeFit {
    /// Whether the Pod's `nodeSelector` and its required node affinity hold.
    public static func matches(_ podSpec: Value, node: Value) -> Bool {
        let labels = node["metadata"]["labels"].strings
        guard podSpec["nodeSelector"].strings.allSatisfy({ labels[$0.key] == $0.value }) else { return false }
        let required = podSpec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        guard !required.isNull else { return true }
        return matches(selector: required, name: node["metadata"]["name"].string ?? "", labels: labels)
    }

    /// Whether a NodeSelector selects a Node of that name with those labels: one of its terms has to hold.
    public static func matches(selector: Value, name: String, labels: [String: String]) -> Bool {
        selector["nodeSelectorTerms"].elements.contains { term in
            let (expressions, onFields) = (term["matchExpressions"].elements, term["matchFields"].elements)
            guard !expressions.isEmpty || !onFields.isEmpty else { return false }
            return expressions.allSatisfy { holds($0, labels) } && onFields.allSatisfy { holds($0, ["metadata.name": name]) }
        }
    }

    private static func holds(_ requirement: Value, _ values: [String: String]) -> Bool {
        let value = values[requirement["key"].string ?? ""]
        let wanted = requirement["values"].elements.compactMap(\.string)
        let limit = wanted.first.flatMap { Whole($0) }
        switch requirement["operator"].string {
        case "In": return value.map(wanted.contains) ?? false
        case "NotIn": return value.map { !wanted.contains($0) } ?? true
        case "Exists": return value != nil
        case "DoesNotExist": return value == nil
        case "Gt": return limit.flatMap { limit in value.flatMap { Whole($0) }.map { $0 > limit } } ?? false
        case "Lt": return limit.flatMap { limit in value.flatMap { Whole($0) }.map { $0 < limit } } ?? false
        default: return false
        }
    }

    /// Whether the Pod tolerates all taints of the Node with one of `effects`.
    public static func tolerates(_ podSpec: Value, node: Value, effects: Set<String>) -> Bool {
        node["spec"]["taints"].elements.filter { effects.contains($0["effect"].string ?? "") }.allSatisfy { taint in
            podSpec["tolerations"].elements.contains { tolerates($0, taint) }
        }
    }

    public static func tolerates(_ toleration: Value, _ taint: Value) -> Bool {
        if let effect = toleration["effect"].string, !effect.isEmpty, effect != taint["effect"].string { return false }
        let key = toleration["key"].string ?? ""
        let isExists = toleration["operator"].string == "Exists"
        if key.isEmpty { return isExists }
        guard key == taint["key"].string else { return false }
        return isExists || (toleration["value"].string ?? "") == (taint["value"].string ?? "")
    }
}
