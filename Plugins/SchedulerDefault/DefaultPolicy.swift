internal import APIModel
internal import PluginAPI
internal import PluginKit
internal import Synchronization

/// The rules of upstream's default profile. What concerns a Pod and a Node alone is decided on the columns, with nothing allocated for a
/// Node; what concerns the Pods around is counted in `Surroundings`.
final class DefaultPolicy: SchedulerPolicy {
    private let surroundings = Surroundings()
    private let lock = Mutex(())

    static let slots: PolicySlots = [.filter, .score]

    /// As many as upstream's scores add up to.
    static let mostPoints = 100 * Scoring.weights

    init(_ host: Host, config: Value) {}

    func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) throws {
        lock.withLock { _ in
            let checks = Checks(pod, nodes, surroundings.plan(pod, nodes))
            guard let reasons else {
                for node in feasible where checks.refusal(of: node) != nil { feasible.remove(node) }
                return
            }
            var ledger = ReasonLedger(count: nodes.count)
            for node in feasible {
                guard let refusal = checks.refusal(of: node) else { continue }
                for reason in checks.explain(refusal, node) { ledger.add(node, reason) }
                feasible.remove(node)
            }
            ledger.report(to: reasons)
        }
    }

    func score(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) throws {
        lock.withLock { _ in
            Scoring(pod, nodes, surroundings.plan(pod, nodes)).score(feasible, points)
        }
    }
}
