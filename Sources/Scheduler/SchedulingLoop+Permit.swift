internal import APIModel
internal import Client
internal import DequeModule
internal import PluginAPI
internal import PluginHost

// Pods that have a Node, and whether they may be bound.
extension SchedulingLoop {
    /// What the policies say to a Pod that has a Node.
    enum Permission {
        case allowed
        /// By policy that lets it wait.
        case waits([String: WaitingPods.Wait])
        case failed(Failure)

        /// In upstream's words.
        var status: String {
            switch self {
            case .allowed: "Success"
            case .waits: "Wait"
            case .failed(.refused): "Unschedulable"
            case .failed(.error): "Error"
            }
        }
    }

    /// Why a Pod gives its Node up.
    enum Failure {
        /// It may do later.
        case refused(String)
        /// A policy broke.
        case error(String)
    }

    /// Asks every policy that has a say. The Pod counts on the Node already.
    /// - Parameter before: what it waits for until now.
    func permit(
        _ pod: PodInfo, _ node: String, _ profile: SchedulerProfile, _ policies: PolicySet, before: [String: WaitingPods.Wait] = [:],
        now: Int64
    ) -> Permission {
        let asked = policies.active.filter { $0.hasPermit && profile.asks($0.name, at: .permit) }
        guard !asked.isEmpty else { return .allowed }
        guard let index = columns.index(of: node) else { return .failed(.refused("node \(node) went away")) }
        let start = ContinuousClock.now
        let permission: Permission = pod.inHand {
            lend(pod, profile) { needs, nodes in
                var waits: [String: WaitingPods.Wait] = [:]
                for policy in asked {
                    let answer = policy.permit(needs, nodes, node: index)
                    said += answer.verdicts.map { Observers.Said(policy: policy.name, verdict: $0) }
                    switch answer.status {
                    case APUS_OK: break
                    case APUS_WAIT:
                        let earlier = before[policy.name]
                        waits[policy.name] = WaitingPods.Wait(
                            deadline: min(now + answer.timeout, earlier?.deadline ?? .max), timeout: earlier?.timeout ?? answer.timeout,
                            reason: answer.message)
                    case APUS_UNSCHEDULABLE, APUS_UNRESOLVABLE:
                        return .failed(.refused(answer.message.isEmpty ? "rejected by plugin \(policy.name)" : answer.message))
                    default: return .failed(.error("policy \(policy.name): \(answer.message)"))
                    }
                }
                return waits.isEmpty ? .allowed : .waits(waits)
            }
        }
        metrics?.passed(.permit, permission.status, profile: profile.schedulerName, after: start.duration(to: .now))
        return permission
    }

    /// Other policies run than those that let the Pod wait.
    func askAgain(_ entry: WaitingPods.Entry, _ policies: PolicySet, now: Int64) {
        guard let profile = configuration.profile(for: entry.pod.object.schedulerName) else { return }
        switch permit(entry.pod, entry.node, profile, policies, before: entry.waits, now: now) {
        case .allowed:
            waitingPods.remove(entry.pod.key)
            bind(entry, policies, now: now)
        case .waits(let waits):
            waitingPods.renew(entry.pod.key, waits)
            decisions.settle(entry.pod, .waiting(entry.node, waits))
        case .failed(let why):
            waitingPods.remove(entry.pod.key)
            giveUp(entry.pod, why, hasWaited: true, policies, now: now)
        }
    }

    /// Does what policies said of Pods that wait for them, and what they say of that in turn: each time a Pod waits no more.
    func settle(_ policies: PolicySet, now: Int64) {
        while let next = said.popFirst() {
            switch next.verdict {
            case .allow(let uid):
                if let entry = waitingPods.allow(uid: uid, by: next.policy) { bind(entry, policies, now: now) }
            case .reject(let uid, let reason):
                guard let entry = waitingPods.reject(uid: uid, by: next.policy) else { continue }
                let why = reason.isEmpty ? "rejected by plugin \(next.policy)" : reason
                giveUp(entry.pod, .refused(why), hasWaited: true, policies, now: now)
            }
        }
    }

    /// A Pod has waited for the last policy.
    private func bind(_ entry: WaitingPods.Entry, _ policies: PolicySet, now: Int64) {
        guard columns.index(of: entry.node) != nil else {
            return giveUp(entry.pod, .refused("node \(entry.node) went away"), hasWaited: true, policies, now: now)
        }
        decisions.settle(entry.pod, .node(entry.node))
        waited(entry.pod, "Success")
        effects.append(binding(entry.pod, node: entry.node, entry.needs, policies))
    }

    /// The Pod has no Node any more, and is tried again later.
    /// - Parameter hasWaited: whether others may have been kept out by it.
    func giveUp(_ pod: PodInfo, _ failure: Failure, hasWaited: Bool, _ policies: PolicySet, now: Int64) {
        let newest = queue.pod(pod.key)?.object ?? pod.object
        if hasWaited { waited(pod, "Unschedulable") }
        if case .refused = failure { ended(.unschedulable, pod) } else { ended(.error, pod) }
        _ = assigned.forget(pod.key, uid: pod.uid)
        switch failure {
        case .refused(let reason):
            let message = FitMessage.noFit(nodes: 1, reasons: [reason: 1])
            queue.fail(pod.key, .rejected, now: now)
            decisions.settle(pod, .none(message))
            effects.append(.rejected(newest, message: message))
        case .error(let message):
            queue.fail(pod.key, .error, now: now)
            decisions.settle(pod, .none(message))
            effects.append(.failed(newest, message: message))
        }
        giveVolumesBack(pod.key, now: now)
        giveDevicesBack(pod.key, uid: pod.uid, now: now)
        if hasWaited { queue.wake(.podRemoved, by: pod.key, now: now) }
        unreserve(pod.uid, policies)
    }

    private func waited(_ pod: PodInfo, _ status: String) {
        guard let metrics, let attempt = queue.entry(of: pod.key).flatMap(Attempt.init) else { return }
        metrics.waited(status, for: attempt.start.duration(to: .now))
    }

    /// Tells every policy that a Pod has no Node any more.
    func unreserve(_ uid: String, _ policies: PolicySet) {
        for policy in policies.active.reversed() {
            said += policy.unreserve(uid: uid).map { Observers.Said(policy: policy.name, verdict: $0) }
        }
    }

    /// The Pods that wait, as people get to see them; `now` is the time of the loop's clock.
    func listWaiting(now: Int64) -> Value {
        [
            "items": .array(
                waitingPods.all.flatMap { entry in
                    entry.waits.sorted { $0.key < $1.key }.map { policy, wait in
                        [
                            "namespace": .string(entry.pod.key.namespace), "name": .string(entry.pod.key.name), "node": .string(entry.node),
                            "policy": .string(policy), "reason": .string(wait.reason), "seconds": .int(max(0, wait.deadline - now) / 1000),
                        ]
                    }
                })
        ]
    }
}

extension PolicySet {
    /// Those that are asked whether a Pod may be bound.
    var permitters: [SchedulerPolicy.Life] { active.filter(\.hasPermit).map(\.life) }
}

extension PodInfo {
    /// Notes the Pod for after a crash while `body` runs.
    func inHand<R>(_ body: () -> R) -> R {
        InHand.with(.scheduler, .pods, namespace: key.namespace, name: key.name, uid: uid, body)
    }
}
