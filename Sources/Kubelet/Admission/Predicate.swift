import APIModel

/// What the scheduler asks of a node and the node asks again, for pods that no scheduler placed. In the order in which they are told.
/// Upstream: `scheduler.AdmissionCheck`, `lifecycle/predicate.go`.
enum Predicate: String, CaseIterable {
    case nodeAffinity = "NodeAffinity"
    case nodeName = "NodeName"
    case nodePorts = "NodePorts"
    case taintToleration = "TaintToleration"

    /// Those that do not hold, whatever other pods there are.
    static func failed(_ pod: Pod, on node: Value) -> Set<Predicate> {
        var failed: Set<Predicate> = []
        if !NodeFit.matches(pod.spec, node: node) { failed.insert(.nodeAffinity) }
        if let name = pod.spec["nodeName"].string, !name.isEmpty, name != node["metadata"].name { failed.insert(.nodeName) }
        if !pod.isStatic, !NodeFit.tolerates(pod.spec, node: node, effects: ["NoExecute"]) { failed.insert(.taintToleration) }
        return failed
    }

    private var problem: String {
        switch self {
        case .nodeAffinity: "node(s) didn't match Pod's node affinity/selector"
        case .nodeName: "node(s) didn't match the requested node name"
        case .nodePorts: "node(s) didn't have free ports for the requested pod ports"
        case .taintToleration: "node(s) had taints that the pod didn't tolerate"
        }
    }

    var refusal: PodAdmission.Refusal { .init(reason: rawValue, message: "Predicate \(rawValue) failed: \(problem)") }
}
