internal import APIModel
internal import PluginAPI
internal import PluginHost

// What policies do before a Pod is bound.
extension SchedulingLoop {
    /// The policies that have something to do, in their order, and what they do it for. May be used after the cycle, from any task.
    package struct Prebind: Sendable {
        fileprivate let policies: [SchedulerPolicy]
        fileprivate let pod: QueuedPod

        /// Why the Pod is not to be bound.
        struct Failure: Error {
            let message: String
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
                    throw Failure(message: FitMessage.noFit(nodes: 1, reasons: [reason: 1]), isRefused: true)
                default: throw Failure(message: "running PreBind plugin \"\(policy.name)\": \(message)", isRefused: false)
                }
            }
        }
    }

    /// What the API has to hear of a Pod that all policies let be bound.
    func binding(_ pod: PodInfo, node: String, _ volumes: [VolumeBinding], _ policies: PolicySet) -> Effect {
        let profile = configuration.profile(for: pod.object.schedulerName)
        let asked = policies.active.filter { $0.hasPrebind && profile?.asks($0.name, at: .preBind) == true }
        guard !asked.isEmpty else { return .bind(pod.object, node: node, volumes: volumes) }
        let (order, attempts) = queue.place(pod.key)
        return .prebind(
            pod.object, node: node, volumes: volumes, Prebind(policies: asked, pod: QueuedPod(pod, order: order, attempts: attempts)))
    }
}
