internal import APIModel

/// The groups, and how far each has got. A plain value; all calls cost what they touch.
struct Gangs {
    private struct Gang {
        /// By uid, the Pods that there are and neither finished nor are going.
        var pods: Set<String> = []
        /// Those that are bound.
        var bound: Set<String> = []
        /// Those that have a Node and are not known to be bound: they wait, or will be bound in a moment.
        var placed: Set<String> = []
        /// How many have to run, as the Pod that was placed last says.
        var size = 0
        /// All were there, and not all had a Node: until then others may have the room.
        var restsUntil: ContinuousClock.Instant?
        var isEmpty: Bool { pods.isEmpty && placed.isEmpty }
    }
    private var gangs: [Group: Gang] = [:]
    /// By uid, where a Pod is noted.
    private var groups: [String: Group] = [:]

    /// Whether the group had no room for all, and lets others have it for a while.
    func rests(_ group: Group, now: ContinuousClock.Instant) -> Bool { gangs[group]?.restsUntil.map { now < $0 } ?? false }

    /// How many Pods the group has, with this one.
    func count(with member: Member) -> Int {
        let pods = gangs[member.group]?.pods ?? []
        return pods.count + (pods.contains(member.uid) ? 0 : 1)
    }

    /// Notes that the Pod has a Node. Returns how many have one, and the others that may wait.
    mutating func place(_ member: Member) -> (placed: Int, others: Set<String>) {
        groups[member.uid] = member.group
        gangs[member.group, default: Gang()].size = member.size
        gangs[member.group]?.placed.insert(member.uid)
        let gang = gangs[member.group, default: Gang()]
        return (gang.placed.union(gang.bound).count, gang.placed.subtracting([member.uid]))
    }

    /// Notes that the Pod has no Node any more. Returns its group and the others that may wait; `nil` where it had none. Where the Pod is still
    /// there, and not all had a Node, the group had no room for all, and rests.
    mutating func unplace(_ uid: String, restUntil time: ContinuousClock.Instant) -> (Group, Set<String>)? {
        guard let group = groups[uid], gangs[group]?.placed.remove(uid) != nil else { return nil }
        let others = gangs[group]?.placed ?? []
        if let gang = gangs[group], gang.pods.contains(uid), gang.placed.union(gang.bound).count + 1 < gang.size {
            gangs[group]?.restsUntil = time
        }
        tidy(group, uid)
        return (group, others)
    }

    /// Notes what the API says of a Pod of a group.
    mutating func put(_ pod: Value) {
        guard let group = Group(pod), let uid = pod["metadata"]["uid"].string else { return }
        let isOver = ["Succeeded", "Failed"].contains(pod["status"]["phase"].string ?? "") || !pod["metadata"]["deletionTimestamp"].isNull
        if isOver || groups[uid] != nil && groups[uid] != group { remove(uid: uid) }
        guard !isOver else { return }
        groups[uid] = group
        gangs[group, default: Gang()].pods.insert(uid)
        guard pod["spec"]["nodeName"].string != nil else { return }
        gangs[group]?.bound.insert(uid)
        gangs[group]?.placed.remove(uid)
    }

    /// The Pod went, or is of no group any more.
    mutating func remove(uid: String) {
        guard let group = groups[uid] else { return }
        gangs[group]?.pods.remove(uid)
        gangs[group]?.bound.remove(uid)
        tidy(group, uid)
    }

    private mutating func tidy(_ group: Group, _ uid: String) {
        guard let gang = gangs[group] else { return }
        if !gang.pods.contains(uid), !gang.placed.contains(uid) { groups[uid] = nil }
        if gang.isEmpty { gangs[group] = nil }
    }
}
