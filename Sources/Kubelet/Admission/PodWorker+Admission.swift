import APIModel

extension PodWorker {
    /// Whether the node takes the pod, which is asked once: what was taken stays, also over a restart. One that it does not take has failed,
    /// and is told why. `false` also for one that waits until others have made room.
    func admit() async throws -> Bool {
        if isAdmitted { return !context.allocations.isWaitingForRoom(uid) }
        if let refusal = await refusal {
            try Task.checkCancellation()
            refuse(refusal)
            return false
        }
        isAdmitted = true
        return !context.allocations.isWaitingForRoom(uid)
    }

    private var refusal: PodAdmission.Refusal? {
        get async {
            if let refusal = context.pressure.refusal(of: pod) ?? context.shutdown.refusal ?? context.admission.refusal(of: pod) {
                return refusal
            }
            do { try await context.alignment.allocate(pod) } catch { return Alignment.refusal(error) }
            var node = context.node.value
            var failed = Predicate.failed(pod, on: node)
            // Labels may have come that this kubelet has not heard of yet.
            if failed.contains(.nodeAffinity) {
                node = await context.node.refresh()
                failed = Predicate.failed(pod, on: node)
            }
            let claim = Claim(pod)
            // What the node has of devices is known here before the API hears of it.
            let capacity = Claim.capacity(of: node).merging(context.devices.capacity) { $1 }
            do throws(Preemption.Failure) {
                let obstacles =
                    !failed.isEmpty
                    ? context.allocations.obstacles(to: claim, of: capacity)
                    : pod.isCritical
                        ? try context.allocations.seize(claim, of: capacity, by: claimant)
                        : context.allocations.take(claim, of: capacity, by: claimant)
                return Self.refusal(for: pod, failed, obstacles)
            } catch {
                return .init(
                    reason: "UnexpectedAdmissionError",
                    message: "Unexpected error while attempting to recover from admission failure: \(error)")
            }
        }
    }

    /// The first thing that is in the way. Shortages never are for a pod that the cluster cannot do without.
    private static func refusal(for pod: Pod, _ failed: Set<Predicate>, _ obstacles: Allocations.Obstacles) -> PodAdmission.Refusal? {
        if !pod.isCritical, let shortage = obstacles.shortages.first {
            return .init(reason: "OutOf" + shortage.resource, message: shortage.description)
        }
        return Predicate.allCases.first { failed.contains($0) || $0 == .nodePorts && obstacles.arePortsTaken }?.refusal
    }

    /// Nothing of such a pod was ever begun, and so its status has no containers and no conditions.
    private func refuse(_ refusal: PodAdmission.Refusal) {
        context.events.event(about: pod, .warning, refusal.reason, refusal.message)
        let started = pod.status["startTime"]
        status = [
            "phase": "Failed", "reason": .string(refusal.reason), "message": .string("Pod was rejected: " + refusal.message),
            "observedGeneration": pod.generation > 0 ? .int(pod.generation) : .null,
            "startTime": started.isNull ? .string(Timestamp.now()) : started,
            "qosClass": .string(pod.status["qosClass"].string ?? QualityOfService(of: pod).rawValue),
        ]
        isSettled = true
        context.release(uid)
        if !isRemoved { context.statuses.send(pod, status) }
        stage = .terminated
    }
}
