import APIModel
import OrderedCollections

/// Nodes, and what chooses among nodes by labels.
enum NodeWarnings {
    private static let deprecatedLabels = [
        "beta.kubernetes.io/arch": "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os": "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region": "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        "failure-domain.beta.kubernetes.io/zone": "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        "beta.kubernetes.io/instance-type": "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
        "app.kubernetes.io/created-by": "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
        "node-role.kubernetes.io/master": "use \"node-role.kubernetes.io/control-plane\" instead",
    ]

    static func ofLabel(_ name: String) -> String? { deprecatedLabels[name] }

    /// - Parameter checksValues: whether values are told of that no label can have.
    static func term(_ term: Value, checksValues: Bool, at path: FieldPath) -> [String] {
        term["matchExpressions"].elements.enumerated().flatMap { index, expression in
            let path = path.child("matchExpressions").index(index)
            let values = checksValues ? expression["values"].elements.compactMap(\.string) : []
            return key(expression["key"], at: path.child("key"))
                + values.enumerated().flatMap { index, value in
                    Names.labelValue(value).map { "\(path.child("values").index(index)): \(value) is invalid, \($0)" }
                }
        }
    }

    /// Of a label that is named in a field: the warning names it, too.
    static func key(_ name: Value, at path: FieldPath) -> [String] {
        guard let name = name.string, let text = ofLabel(name) else { return [] }
        return ["\(path): \(name) is \(text)"]
    }

    static func node(_ node: Value) -> [String] {
        let spec = node["spec"]
        return (spec["configSource"].isNull ? [] : ["spec.configSource: the feature is removed"])
            + (spec["externalID"].isEmpty ? [] : ["spec.externalID: this field is deprecated, and is unused by Kubernetes"])
            + spec["podCIDRs"].elements.enumerated().flatMap { AddressWarnings.cidr($1, at: FieldPath("spec.podCIDRs").index($0)) }
    }

    static func runtimeClass(_ object: Value, _ old: Value?) -> [String] {
        object["scheduling"]["nodeSelector"].fields.keys.compactMap(ofLabel).map { "scheduling.nodeSelector: \($0)" }
    }
}
