public import APIModel
internal import PluginAPI

/// Where a Pod may and where it should run. Works on columns of all Nodes at once; but for `prebind` no slot may block or call the API. One
/// caller at a time for one scheduler, `prebind` aside, but several schedulers may share the instance.
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

    /// Sets the Nodes about which the policy may give these answers otherwise than when it was last asked this about a Pod with the same `needs_serial`. Those are set
    /// already that changed themselves, or on which a Pod came, went or changed. Of the others the host keeps what `filter` and `score` said.
    func affected(_ pod: PodNeeds, _ nodes: Nodes, _ answers: PolicyAnswers, _ changed: NodeSet) throws

    /// Whether the Pod may be bound now to a Node that was found for it, and where it counts already. Throw `ComponentError.unschedulable` or
    /// `.unresolvable` to refuse it. It is asked again, of Pods that wait, when another instance has taken this one's place.
    func permit(_ pod: PodNeeds, _ nodes: Nodes, node: Int, _ others: WaitingPods) throws -> Permit

    /// A Pod that had a Node has none any more: refused, too late, gone, or not to be bound. Also of Pods that `permit` was not asked about.
    func unreserve(uid: String, _ others: WaitingPods)

    /// An object of a kind that the manifest lists under `policy.watches` came, changed or went. `before` is `.null` for a new object, `after`
    /// for a deleted one. All that are there come first.
    func observe(resource: String, before: Value, after: Value, _ waiting: WaitingPods)

    /// Whether one Pod is tried before another: a strict order, the same whenever it is asked about the same two. Asked only where the
    /// configuration names the policy at `queueSort`; where it throws, the higher priority and then the age decide.
    func less(_ left: QueuedPod, _ right: QueuedPod) throws -> Bool

    /// Does what has to be done before the Pod is bound to a Node. It may block and call the host, on a thread of its own, for many Pods at
    /// once. Throw `ComponentError.unschedulable` or `.unresolvable` to have the Pod look for a Node again; any other error does, too, as a
    /// fault of the policy's.
    func prebind(_ pod: QueuedPod, node: String) throws
}

/// What becomes of a Pod that has a Node.
public enum Permit: Hashable, Sendable {
    case allow
    /// Keeps its place until it is allowed or rejected, so long at most: 15 minutes where that is `nil` or more. The reason is for people.
    case wait(milliseconds: Whole?, reason: String)
}

extension SchedulerPolicy {
    public func explain(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ parts: ScoreParts) throws {}
    public func affected(_ pod: PodNeeds, _ nodes: Nodes, _ answers: PolicyAnswers, _ changed: NodeSet) throws { changed.insertAll() }
    public func permit(_ pod: PodNeeds, _ nodes: Nodes, node: Int, _ others: WaitingPods) throws -> Permit { .allow }
    public func unreserve(uid: String, _ others: WaitingPods) {}
    public func observe(resource: String, before: Value, after: Value, _ waiting: WaitingPods) {}
    public func less(_ left: QueuedPod, _ right: QueuedPod) throws -> Bool {
        (right.priority, left.order) < (left.priority, right.order)
    }
    public func prebind(_ pod: QueuedPod, node: String) throws {}
    public static var slots: PolicySlots { [.prefilter, .filter, .score] }
    public static var mostPoints: Int { 100 }
    public func prefilter(_ pod: PodNeeds) throws {}
    public func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) throws {}
    public func score(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ points: UnsafeMutableBufferPointer<Int32>) throws {
        for node in feasible { points[node] = 0 }
    }
}

/// What `affected` is asked about.
public struct PolicyAnswers: OptionSet, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let filter = PolicyAnswers(rawValue: APUS_ANSWER_FILTER)
    public static let score = PolicyAnswers(rawValue: APUS_ANSWER_SCORE)
}

public struct PolicySlots: OptionSet, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    public static let prefilter = PolicySlots(rawValue: 1)
    public static let filter = PolicySlots(rawValue: 2)
    public static let score = PolicySlots(rawValue: 4)
    public static let explain = PolicySlots(rawValue: 8)
    public static let permit = PolicySlots(rawValue: 16)
    public static let unreserve = PolicySlots(rawValue: 32)
    public static let observe = PolicySlots(rawValue: 64)
    public static let affected = PolicySlots(rawValue: 128)
    public static let less = PolicySlots(rawValue: 256)
    public static let prebind = PolicySlots(rawValue: 512)
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
        if slots.contains(.affected) {
            table.affected = { me, pod, nodes, answers, changed, error in
                boundary(error) {
                    let set = NodeSet(words: changed, count: Int(nodes.pointee.count))
                    try instance(me, as: PolicyInstance.self).policy.affected(
                        PodNeeds(pod), Nodes(nodes), PolicyAnswers(rawValue: answers), set)
                }
            }
        }
        if slots.contains(.permit) {
            table.permit = { me, pod, nodes, node, timeout, others, reason in
                var waits = false
                let status = boundary(reason) {
                    let policy = instance(me, as: PolicyInstance.self).policy
                    guard
                        case .wait(let time, let why) = try policy.permit(PodNeeds(pod), Nodes(nodes), node: Int(node), WaitingPods(others))
                    else { return }
                    waits = true
                    timeout.pointee = max(0, time ?? 0).int64
                    reason.write(why)
                }
                return waits ? APUS_WAIT : status
            }
        }
        if slots.contains(.unreserve) {
            table.unreserve = { me, uid, others in
                instance(me, as: PolicyInstance.self).policy.unreserve(uid: uid.string, WaitingPods(others))
            }
        }
        if slots.contains(.observe) {
            table.observe = { me, resource, before, after, waiting in
                instance(me, as: PolicyInstance.self).policy.observe(
                    resource: resource.string, before: decode(before), after: decode(after), WaitingPods(waiting))
            }
        }
        if slots.contains(.less) {
            table.less = { me, left, right, isLess, error in
                boundary(error) {
                    let answer = try instance(me, as: PolicyInstance.self).policy.less(QueuedPod(left), QueuedPod(right))
                    isLess.pointee = answer ? 1 : 0
                }
            }
        }
        if slots.contains(.prebind) {
            table.prebind = { me, pod, node, reason in
                boundary(reason) { try instance(me, as: PolicyInstance.self).policy.prebind(QueuedPod(pod), node: node.string) }
            }
        }
        return constant(table)
    }
}
