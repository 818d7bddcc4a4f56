internal import APIModel
internal import PluginAPI
internal import PluginKit
internal import Synchronization

/// All Pods of a group run, or none does: each waits on its Node until as many have one as the group is to have. When one gives its Node up the others
/// that wait do, too, and the group rests for as long as it may wait: of two groups that each hold half of the room one gets all of it.
///
/// A Pod is of the group that its label `scheduling.apus.dev/group` names, or its `spec.schedulingGroup`; its label `scheduling.apus.dev/group-size`
/// says how many have to run. Groups of one name in two Namespaces are two. A Pod of no group is left alone.
final class GangPolicy: SchedulerPolicy {
    static let slots: PolicySlots = [.filter, .permit, .unreserve, .observe]
    static let settings: Set = ["timeoutSeconds"]

    /// How long Pods wait for the others.
    private let timeout: Whole
    private let clock = ContinuousClock()
    private let gangs = Mutex(Gangs())

    init(_ host: Host, config: Value) throws {
        timeout = try config.setting("timeoutSeconds", in: 1...900, default: 30) * 1000
    }

    /// A group that is not all there takes nobody's room.
    func filter(_ pod: PodNeeds, _ nodes: Nodes, _ feasible: NodeSet, _ reasons: Reasons?) throws {
        guard let member = try Member(pod, nodes) else { return }
        let (there, rests) = gangs.withLock { ($0.count(with: member), $0.rests(member.group, now: clock.now)) }
        if there < member.size { throw ComponentError.unresolvable("its group \(member.group.name) has \(there) of \(member.size) pods") }
        if rests { throw ComponentError.unresolvable("its group \(member.group.name) had no room for all, and tries again later") }
    }

    func permit(_ pod: PodNeeds, _ nodes: Nodes, node: Int, _ others: WaitingPods) throws -> Permit {
        guard let member = try Member(pod, nodes) else { return .allow }
        let (placed, waiting) = gangs.withLock { $0.place(member) }
        guard placed >= member.size else {
            return .wait(milliseconds: timeout, reason: "\(placed) of \(member.size) pods of group \(member.group.name) have a node")
        }
        for uid in waiting { others.allow(uid: uid) }
        return .allow
    }

    func unreserve(uid: String, _ others: WaitingPods) {
        guard let (group, waiting) = gangs.withLock({ $0.unplace(uid, restUntil: clock.now + .milliseconds(timeout.int64)) }) else {
            return
        }
        for uid in waiting { others.reject(uid: uid, "another pod of group \(group.name) has no node") }
    }

    /// Pods, as the manifest says.
    func observe(resource: String, before: Value, after: Value, _ waiting: WaitingPods) {
        gangs.withLock { gangs in
            if after.isNull || Group(after) == nil { gangs.remove(uid: before["metadata"]["uid"].string ?? "") } else { gangs.put(after) }
        }
    }
}
