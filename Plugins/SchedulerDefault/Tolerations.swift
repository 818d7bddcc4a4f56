internal import PluginAPI
internal import PluginKit

/// The taints that a Pod stands.
struct Tolerations: Hashable {
    private struct Toleration: Hashable {
        let key: apus_string
        let value: apus_string
        let op: Int32
        let effect: Int32

        func tolerates(_ taint: apus_taint) -> Bool {
            if effect != 0 && effect != taint.effect { return false }
            if op == APUS_OPERATOR_EXISTS { return key == 0 || key == taint.key }
            return key == taint.key && value == taint.value
        }
    }
    private let tolerations: [Toleration]

    init(_ pod: PodNeeds) {
        tolerations = pod.tolerations.map { Toleration(key: $0.key, value: $0.value, op: $0.op, effect: $0.effect) }
    }

    func tolerate(_ taint: apus_taint) -> Bool {
        for toleration in tolerations where toleration.tolerates(taint) { return true }
        return false
    }

    /// Whether none of the Node's taints keeps the Pod away.
    func admit(_ node: Int, _ nodes: Nodes) -> Bool {
        for taint in nodes.taints(node) where taint.effect != APUS_EFFECT_PREFER_NO_SCHEDULE && !tolerate(taint) { return false }
        return true
    }

    /// A Node's `spec.unschedulable` counts as the taint `node.kubernetes.io/unschedulable:NoSchedule`.
    func tolerateUnschedulable(_ nodes: Nodes) -> Bool {
        tolerations.contains { toleration in
            guard toleration.effect == 0 || toleration.effect == APUS_EFFECT_NO_SCHEDULE else { return false }
            if toleration.key == 0 { return toleration.op == APUS_OPERATOR_EXISTS }
            return nodes.text(toleration.key) == "node.kubernetes.io/unschedulable"
                && (toleration.op == APUS_OPERATOR_EXISTS || toleration.value == 0)
        }
    }
}
