internal import PluginAPI
internal import PluginHost

/// What policies do before a Pod is bound, in their order. May be done after the cycle, by any task.
package struct Prebind: Sendable {
    let policies: [SchedulerPolicy]
    let pod: QueuedPod

    /// Why the Pod is not to be bound.
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// A policy said so; otherwise it broke.
        let isRefused: Bool
    }

    /// Has one policy after the other do its work, until one does not let the Pod be bound.
    func run(on node: String) async throws(Failure) {
        for policy in policies {
            let (status, message) = await policy.prebind(pod, node: node)
            switch status {
            case APUS_OK: continue
            case APUS_UNSCHEDULABLE, APUS_UNRESOLVABLE:
                let reason = message.isEmpty ? "rejected by plugin \(policy.name)" : message
                throw Failure(description: FitMessage.noFit(nodes: 1, reasons: [reason: 1]), isRefused: true)
            default: throw Failure(description: "running PreBind plugin \"\(policy.name)\": \(message)", isRefused: false)
            }
        }
    }
}

extension SchedulingLoop {
    /// What the API has to hear of a Pod that all policies let be bound.
    func binding(_ pod: PodInfo, node: String, _ needs: BindNeeds, _ policies: PolicySet) -> Effect {
        var needs = needs
        let entry = queue.entry(of: pod.key)
        needs.attempt = entry.flatMap(Attempt.init)
        let profile = configuration.profile(for: pod.object.schedulerName)
        let asked = policies.active.filter { $0.hasPrebind && profile?.asks($0.name, at: .preBind) == true }
        guard !asked.isEmpty else { return .bind(pod.object, node: node, needs) }
        needs.prebind = Prebind(
            policies: asked, pod: QueuedPod(pod, order: entry?.order ?? 0, attempts: entry?.attempts ?? 0))
        return .bind(pod.object, node: node, needs)
    }
}
