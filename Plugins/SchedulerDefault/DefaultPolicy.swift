internal import APIModel
internal import PluginAPI
internal import PluginKit

/// The rules that upstream's default profile has for one Pod and one Node: name, taints, affinity, ports, resources. All on columns;
/// nothing is allocated for a Node.
struct DefaultPolicy: SchedulerPolicy {
    private let log: Log

    init(_ host: Host, config: Value) { log = host.log }

    func prefilter(_ pod: PodNeeds) throws {
        if let reason = Unsupported.reason(pod) { throw ComponentError.unresolvable(reason) }
    }

    func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) throws {
        let checks = Checks(pod, nodes)
        guard let reasons else {
            for node in feasible where checks.refusal(of: node) != nil { feasible.remove(node) }
            return
        }
        var ledger = ReasonLedger(count: nodes.count)
        for node in feasible {
            guard let refusal = checks.refusal(of: node) else { continue }
            let (verdict, texts) = checks.explain(refusal, node)
            for text in texts { ledger.add(node, verdict, text) }
            feasible.remove(node)
        }
        ledger.report(to: reasons)
    }

    func score(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) throws {
        Scoring(pod, nodes).score(feasible, points)
    }
}
