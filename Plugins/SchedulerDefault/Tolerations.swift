internal import PluginAPI
internal import PluginKit

enum Tolerations {
    static func tolerate(_ tolerations: UnsafeBufferPointer<apus_toleration>, _ taint: apus_taint) -> Bool {
        for toleration in tolerations where tolerates(toleration, taint) { return true }
        return false
    }

    private static func tolerates(_ toleration: apus_toleration, _ taint: apus_taint) -> Bool {
        if toleration.effect != 0 && toleration.effect != taint.effect { return false }
        if toleration.op == APUS_OPERATOR_EXISTS { return toleration.key == 0 || toleration.key == taint.key }
        return toleration.key == taint.key && toleration.value == taint.value
    }

    /// A Node's `spec.unschedulable` counts as the taint `node.kubernetes.io/unschedulable:NoSchedule`.
    static func toleratesUnschedulable(_ toleration: apus_toleration, _ nodes: Nodes) -> Bool {
        guard toleration.effect == 0 || toleration.effect == APUS_EFFECT_NO_SCHEDULE else { return false }
        if toleration.key == 0 { return toleration.op == APUS_OPERATOR_EXISTS }
        return nodes.text(toleration.key) == "node.kubernetes.io/unschedulable"
            && (toleration.op == APUS_OPERATOR_EXISTS || toleration.value == 0)
    }
}
