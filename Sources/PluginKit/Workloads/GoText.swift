public import APIModel

/// Values as upstream's components show them in messages, which people and tools search for.
public enum GoText {
    /// A LabelSelector; `nil` where there is none.
    public static func selector(_ selector: Value) -> String {
        guard !selector.isNull else { return "nil" }
        let labels = selector["matchLabels"].strings.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)," }.joined()
        let expressions = selector["matchExpressions"].elements.map { expression in
            let values = expression["values"].elements.compactMap(\.string).joined(separator: " ")
            let (key, verb) = (expression["key"].string ?? "", expression["operator"].string ?? "")
            return "LabelSelectorRequirement{Key:\(key),Operator:\(verb),Values:[\(values)],},"
        }.joined()
        return "&LabelSelector{MatchLabels:map[string]string{\(labels)},MatchExpressions:[]LabelSelectorRequirement{\(expressions)},}"
    }
}
