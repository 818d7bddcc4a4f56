internal import PluginAPI

/// Where a Pod may and where it should run. Works on columns of all Nodes at once; no slot may block or call the API. One caller at a time
/// for one scheduler, but several schedulers may share the instance.
public protocol SchedulerPolicy: Component {
    /// Which of the methods do something: the host does not call the others.
    static var slots: PolicySlots { get }

    /// What `score` gives a Node at most: 100, but for a policy that adds up several scores.
    static var mostPoints: Int { get }

    /// A look at the Pod alone. Throw `ComponentError.unschedulable` or `.unresolvable` to end the cycle.
    func prefilter(_ pod: PodNeeds) throws

    /// Clears from `feasible` every Node the Pod may not run on. With `reasons`, says why for each Node that it clears.
    func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) throws

    /// Writes a preference from 0 to `mostPoints` for every Node of `feasible`.
    func score(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) throws

    /// Says what the points are made of that the last `score` gave: it was called with the same.
    func explain(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ parts: ScoreParts) throws
}

extension SchedulerPolicy {
    public func explain(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ parts: ScoreParts) throws {}
    public static var slots: PolicySlots { [.prefilter, .filter, .score] }
    public static var mostPoints: Int { 100 }
    public func prefilter(_ pod: PodNeeds) throws {}
    public func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) throws {}
    public func score(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) throws {
        for node in feasible { points[node] = 0 }
    }
}

public struct PolicySlots: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let prefilter = PolicySlots(rawValue: 1)
    public static let filter = PolicySlots(rawValue: 2)
    public static let score = PolicySlots(rawValue: 4)
    public static let explain = PolicySlots(rawValue: 8)
}

final class PolicyInstance: Instance {
    let policy: any SchedulerPolicy

    init(_ policy: any SchedulerPolicy) {
        self.policy = policy
        super.init(policy)
    }

    static func table(_ slots: PolicySlots, mostPoints: Int) -> Constant<apus_scheduler_policy> {
        var table = apus_scheduler_policy()
        table.size = UInt32(MemoryLayout<apus_scheduler_policy>.size)
        table.most_points = Int32(mostPoints)
        if slots.contains(.prefilter) {
            table.prefilter = { me, pod, reason in
                boundary(reason) { try instance(me, as: PolicyInstance.self).policy.prefilter(PodNeeds(pod)) }
            }
        }
        if slots.contains(.filter) {
            table.filter = { me, pod, nodes, feasible, reasons, error in
                boundary(error) {
                    let set = NodeSet(words: feasible, count: Int(nodes.pointee.count))
                    try instance(me, as: PolicyInstance.self).policy.filter(
                        PodNeeds(pod), Nodes(nodes), set, reasons.map(Reasons.init))
                }
            }
        }
        if slots.contains(.score) {
            table.score = { me, pod, nodes, feasible, points, error in
                boundary(error) {
                    let count = Int(nodes.pointee.count)
                    // The set is lent for reading; `score` is given no reason to write to it.
                    let set = NodeSet(words: UnsafeMutablePointer(mutating: feasible), count: count)
                    let points = UnsafeMutableBufferPointer(start: points, count: count)
                    try instance(me, as: PolicyInstance.self).policy.score(PodNeeds(pod), Nodes(nodes), set, points)
                }
            }
        }
        if slots.contains(.explain) {
            table.explain = { me, pod, nodes, feasible, parts, error in
                boundary(error) {
                    let set = NodeSet(words: UnsafeMutablePointer(mutating: feasible), count: Int(nodes.pointee.count))
                    try instance(me, as: PolicyInstance.self).policy.explain(PodNeeds(pod), Nodes(nodes), set, ScoreParts(parts))
                }
            }
        }
        return constant(table)
    }
}
