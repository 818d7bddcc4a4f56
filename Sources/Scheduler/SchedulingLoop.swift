package import APIModel
internal import Client
package import PluginHost

/// All state of the scheduler and what changes it. Lives on the scheduling thread; tells what is to be done, does not touch the API.
package final class SchedulingLoop {
    /// What the API has to hear.
    package enum Effect {
        case bind(Object, node: String)
        case unschedulable(Object, message: String)
        case failed(Object, message: String)
        case gated(Object)
    }

    private let columns = NodeColumns()
    private var assigned: AssignedPods
    private var queue = SchedulingQueue<PodInfo>()
    private let decider: Decider

    package init(seed: UInt64) {
        assigned = AssignedPods(columns)
        decider = Decider(seed: seed)
    }

    /// How many Pods have no Node yet.
    package var waiting: Int { queue.count }

    /// Takes a message in; `now` is in milliseconds of a steady clock.
    package func receive(_ message: Message, now: Int64) -> Effect? {
        switch message {
        case .node(_, let after?):
            if assigned.putNode(after) { queue.wake(now: now) }
        case .node(let before?, nil):
            assigned.removeNode(before.name)
        case .pod(let before, let after?):
            return receive(pod: after, before: before, now: now)
        case .pod(let before?, nil):
            let key = PodKey(before)
            queue.remove(key)
            if assigned.remove(key) { queue.wake(now: now) }
        case .bindFailed(let key, let uid):
            // Another Pod may have the name by now.
            if queue.pod(key)?.uid == uid { queue.fail(key, .error, now: now) }
            if assigned.forget(key, uid: uid) { queue.wake(now: now) }
        case .policiesChanged:
            queue.wake(now: now)
        case .node(nil, nil), .pod(nil, nil):
            break
        }
        return nil
    }

    private func receive(pod: Object, before: Object?, now: Int64) -> Effect? {
        let key = PodKey(pod)
        if pod.isAssigned {
            let info = PodInfo(pod)
            assigned.put(info, node: info.nodeName, isAssumed: false)
            queue.done(key)
            return nil
        }
        // While our own bind is under way the API still shows the Pod without a Node.
        if pod.needsNode, assigned.isAssumed(key, uid: pod.uid) { return nil }
        if assigned.remove(key) { queue.wake(now: now) }
        guard pod.needsNode, !pod.isGated else {
            queue.remove(key)
            return pod.needsNode && pod.value["status"]["conditions"].elements.allSatisfy { $0["type"].string != "PodScheduled" }
                ? .gated(pod) : nil
        }
        // A change of the status alone, most often our own, is no reason to look again.
        if let before, queue.contains(key), before.uid == pod.uid, before.value["spec"] == pod.value["spec"], before.labels == pod.labels {
            queue.replace(key, PodInfo(pod))
        } else {
            let info = PodInfo(pod)
            queue.put(key, info, priority: info.priority, now: now)
        }
        return nil
    }

    /// Finds a Node for the next Pod that is due, all of the cycle with the policies that `policies` has when it begins; `nil` when none is
    /// due.
    package func cycle(_ policies: any PolicySource, now: Int64) -> Effect? {
        guard let entry = queue.pop(now: now) else { return nil }
        let decision = InHand.with(.scheduler, .pods, namespace: entry.key.namespace, name: entry.key.name, uid: entry.pod.uid) {
            policies.withSchedulerPolicies { decider.decide(entry.pod, columns, $0) }
        }
        switch decision {
        case .node(let index):
            let node = columns.name(index)
            // The entry stays until the API says that the Pod is bound, or that it is not.
            assigned.put(entry.pod, node: node, isAssumed: true)
            return .bind(entry.pod.object, node: node)
        case .unschedulable(let message):
            queue.fail(entry.key, .unschedulable, now: now)
            return .unschedulable(entry.pod.object, message: message)
        case .error(let message):
            queue.fail(entry.key, .error, now: now)
            return .failed(entry.pod.object, message: message)
        }
    }

    /// How long to wait for a message at most; `nil` for ever.
    package func patience(now: Int64) -> Int64? {
        queue.wakeOld(now: now)
        return queue.deadline(now: now).map { max(0, $0 - now) }
    }
}
