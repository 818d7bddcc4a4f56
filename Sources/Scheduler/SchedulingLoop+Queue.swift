internal import APIModel
internal import PluginHost

// Policies that order the queue.
extension SchedulingLoop {
    /// The next Pod that is due, in the order of the policy that the configuration names for it; while that does not run, in upstream's.
    func next(_ policies: PolicySet, now: Int64) -> SchedulingQueue<PodInfo>.Entry? {
        let policy = configuration.queueSort.flatMap { name in policies.active.first { $0.name == name && $0.hasLess } }
        if orderer != policy?.life {
            orderer = policy?.life
            queue.reorder()
        }
        guard let policy else { return queue.pop(now: now) }
        return queue.pop(now: now) { policy.less(QueuedPod($0), QueuedPod($1)) }
    }
}

extension QueuedPod {
    init(_ entry: SchedulingQueue<PodInfo>.Entry) {
        self.init(entry.pod, order: entry.order, attempts: entry.attempts)
    }

    init(_ pod: PodInfo, order: UInt64, attempts: Int) {
        self.init(
            namespace: pod.key.namespace, name: pod.key.name, uid: pod.uid,
            group: pod.object.value["spec"]["schedulingGroup"]["podGroupName"].string ?? "", priority: pod.priority, json: pod.object.bytes,
            order: order, attempts: attempts)
    }
}
