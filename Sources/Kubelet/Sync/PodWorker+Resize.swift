import APIModel
import FileSystem

// In-place resize: what a pod's containers ask for may change while they run. Upstream: `kubelet/allocation`, `doPodResizeAction`.
extension PodWorker {
    /// Why a resize does not go on: the condition's reason and message.
    struct Obstacle: Equatable {
        var reason: String
        var message: String
    }

    /// The pod with the resources its containers have been given, which may not be those they ask for yet.
    var allocated: Pod { pod.with(resources: record.allocated) }

    /// What each container has, by id: what the runtime was told last, or else what it was made with. What the pod's group has is there as
    /// `Pod.whole`, if it was ever changed.
    var actualResources: [String: Value] {
        var actual: [String: Value] = [:]
        actual[Pod.whole] = record.actuated[Pod.whole]
        for container in runtime.containers {
            let made = container.annotations[Annotation.resources].flatMap { try? JSON.decode(Array($0.utf8)) }
            actual[container.id] = record.actuated[container.id] ?? made
        }
        return actual
    }

    var resizeConditions: [PodConditions.Condition] {
        func condition(_ type: String, _ obstacle: Obstacle?) -> PodConditions.Condition? {
            obstacle.map { .init(type: type, status: true, reason: $0.reason, message: $0.message) }
        }
        return [condition("PodResizePending", pendingResize), condition("PodResizeInProgress", resizeInProgress)].compactMap { $0 }
    }

    /// Gives the pod what it asks for, if there is enough of it, and brings running containers and the pod's group closer to what they have
    /// been given. Returns the ids of containers that have to start again for that.
    func resize() async throws -> Set<String> {
        try await loadRecord()
        do {
            if isRecordUnsaved { try await save() }
            if record.allocated == pod.resizable {
                pendingResize = nil
            } else {
                try await allocate()
            }
            return try await actuate()
        } catch  where error is RuntimeFailure || error is Files.Failure {
            try Task.checkCancellation()
            try await tell("\(error)")
            return []
        }
    }

    /// Once: what an earlier kubelet gave; without that, what the containers were made with; or else what the pod asks for.
    private func loadRecord() async throws {
        if isRecordLoaded { return }
        var known: ResourceRecord?
        if wasAdmitted { known = try await onDisk { context, pod in ResourceRecord.read(pod.uid, context.configuration) } }
        record = known ?? ResourceRecord()
        let actual = actualResources
        for (name, wanted) in pod.resizable where record.allocated[name] == nil {
            let running = runtime.container(name).flatMap { $0.state == .running ? actual[$0.id] : nil }
            record.allocated[name] = running ?? wanted
        }
        if wasAdmitted { context.allocations.note(Claim(allocated), by: claimant) }
        isRecordLoaded = true
    }

    private func allocate() async throws {
        if let problem = context.cpus.resizeProblem(allocated, pod) ?? context.memory.resizeProblem(allocated, pod) {
            return postpone(Obstacle(reason: "Infeasible", message: problem))
        }
        let capacity = Claim.capacity(of: context.node.value)
        if let shortage = context.allocations.take(Claim(pod), of: capacity, by: claimant).shortages.first {
            let obstacle =
                shortage.isHopeless
                ? Obstacle(
                    reason: "Infeasible",
                    message:
                        "Node didn't have enough capacity: \(shortage.resource), requested: \(shortage.requested), capacity: \(shortage.capacity)"
                )
                : Obstacle(reason: "Deferred", message: shortage.description)
            return postpone(obstacle)
        }
        // From here on the group may have other values than the pod was given.
        let before = record
        record.actuated[Pod.whole] = record.actuated[Pod.whole] ?? record.allocated[Pod.whole]
        record.allocated = pod.resizable
        isGroupStale = true
        do {
            try await save()
        } catch {
            // What the next kubelet would not know of was not given.
            (record, isRecordUnsaved) = (before, false)
            throw error
        }
        pendingResize = nil
        resizeInProgress = Obstacle(reason: "", message: "")
        event(.normal, "ResizeStarted", "Pod resize started")
    }

    private func postpone(_ obstacle: Obstacle) {
        if obstacle != pendingResize { event(.warning, "Resize" + obstacle.reason, "Pod resize \(obstacle.reason)", obstacle.message) }
        pendingResize = obstacle
    }

    /// Limits of the pod's group bound those of its containers: they grow first and shrink last.
    private func actuate() async throws -> Set<String> {
        let pod = allocated
        var plan = ResizePlan.compute(for: pod, runtime: runtime, actual: actualResources)
        if !plan.isDone {
            isGroupStale = true
            resizeInProgress = resizeInProgress ?? Obstacle(reason: "", message: "")
            try await onDisk { context, _ in
                PodCgroup.raise(pod, below: context.configuration.cgroupRoot, hasOwnCPUs: context.cpus.hasOwn(pod.uid))
            }
            for update in plan.updates {
                guard let container = pod.container(update.name) else { continue }
                var linux = ContainerResources.linux(
                    of: container, in: pod, memoryCapacity: context.machine.memory, hasOwnCPUs: context.cpus.hasOwn(update.name, in: uid))
                linux["oom_score_adj"] = .null
                try await context.cri.updateContainer(update.id, linux: linux)
                record.actuated[update.id] = container["resources"]
                try await save()
            }
            // Those that start again get what is the pod's now.
            let restarts = plan.restarts
            if record.actuated[Pod.whole] != nil { record.actuated[Pod.whole] = pod.spec["resources"] }
            plan = ResizePlan.compute(for: pod, runtime: runtime, actual: actualResources)
            plan.restarts.formUnion(restarts)
        }
        guard plan.isDone else { return plan.restarts }
        if isGroupStale {
            let refused = try await onDisk { context, _ in
                PodCgroup.apply(pod, below: context.configuration.cgroupRoot, hasOwnCPUs: context.cpus.hasOwn(pod.uid))
            }
            if let file = refused.first {
                try await tell("the kernel refused \(file): less than is in use")
                return []
            }
            isGroupStale = false
            if record.actuated[Pod.whole] != nil {
                record.actuated[Pod.whole] = pod.spec["resources"]
                try await save()
            }
        }
        if resizeInProgress != nil && pendingResize == nil { event(.normal, "ResizeCompleted", "Pod resize completed") }
        resizeInProgress = nil
        return []
    }

    private func tell(_ problem: String) async throws {
        let obstacle = Obstacle(reason: "Error", message: problem)
        if obstacle != resizeInProgress { event(.warning, "ResizeError", "Pod resize error", problem) }
        resizeInProgress = obstacle
        retry(in: 10)
    }

    private func save() async throws {
        let ids = Set(runtime.containers.map(\.id) + [Pod.whole])
        record.actuated = record.actuated.filter { ids.contains($0.key) }
        let record = record
        isRecordUnsaved = true
        try await onDisk { context, pod in try record.write(pod.uid, context.configuration) }
        isRecordUnsaved = false
    }

    private func event(_ type: EventType, _ reason: String, _ words: String, _ problem: String = "") {
        func list(_ containers: [Value]) -> Value {
            let list = containers.map { container -> Value in ["name": container["name"], "resources": container["resources"]] }
            return list.isEmpty ? .null : .array(list)
        }
        let summary: Value = [
            "initContainers": list(pod.initContainers), "containers": list(pod.containers), "generation": .int(pod.generation),
            "error": problem.isEmpty ? .null : .string(problem),
        ]
        context.events.event(about: pod, type, reason, "\(words): \(String(decoding: JSON.encode(summary), as: UTF8.self))")
    }
}
