import APIModel
import Logging

extension PodWorker {
    /// Upstream never gives a container less than this to go by itself.
    private static let minimumGrace: Whole = 2

    /// Stops everything the pod runs. May be broken off, and begins again then.
    func terminate() async throws {
        await stopProbes { $0.kind != .readiness }
        if isRuntimeStale { try await readRuntime() }
        publish(isDone: failure != nil)
        let alarm = graceAlarm()
        defer { alarm?.cancel() }
        do { try await stop() } catch {
            try Task.checkCancellation()
            context.events.event(about: pod, .warning, "FailedKillPod", "error killing pod: \(error)")
            throw error
        }
        if pod.hasHostPorts {
            try await onDisk { context, pod in try context.hostPorts.set([], for: pod.uid) }
            exposed = []
        }
        try await readRuntime()
        if runtime.hasRunningContainers {
            retry(in: 1)
            return
        }
        await stopProbes { _ in true }
        waiting = [:]
        (pendingResize, resizeInProgress) = (nil, nil)
        // Nothing runs that could use them, and nobody hears that the pod has ended before others can have them.
        try await context.claims.unprepare(uid)
        publish(isDone: true)
        context.release(uid)
        try await context.volumes.csi.tearDown(uid)
        try await onDisk { context, pod in context.volumes.tearDown(pod.uid) }
        volumes = nil
        stage = .terminated
    }

    /// Stops the containers and then the sandboxes.
    private func stop() async throws {
        // Sidecars serve the others, so they go last, and in the opposite order, in what is left of the pod's time.
        let sidecars = pod.initContainers.filter(\.isSidecar).map(\.name)
        try await killContainers(grace: graceLeft()) { !sidecars.contains($0.name) }
        for sidecar in sidecars.reversed() { try await killContainers(grace: graceLeft()) { $0.name == sidecar } }
        for sandbox in runtime.sandboxes where sandbox.isReady || !sandbox.ips.isEmpty {
            do { try await context.cri.stopSandbox(sandbox.id) } catch { throw KillFailure("KillPodSandbox", of: uid, error) }
        }
    }

    /// Tells, once, that a pod that has to leave the node takes longer for that than it may.
    private func graceAlarm() -> Task<Void, Never>? {
        guard let eviction, !hasExceededGrace else { return nil }
        _ = graceLeft()
        let due = (stopping?.since ?? Clock.nanoseconds()) + eviction.limit(gracePeriod) * 1_000_000_000
        // Ended by `terminate`, which is what it watches.
        return Task {
            do { try await Task.sleep(for: .nanoseconds(max(due - Clock.nanoseconds(), 0))) } catch { return }
            exceedGrace()
        }
    }

    private func exceedGrace() {
        if hasExceededGrace { return }
        hasExceededGrace = true
        context.events.event(
            about: pod, .warning, "ExceededGracePeriod", "Container runtime did not kill the pod within specified grace period.")
    }

    /// What is left of the time that the pod's containers have to stop, which begins anew when that time is changed.
    private func graceLeft() -> Whole {
        let now = Clock.nanoseconds()
        let began = stopping?.grace == gracePeriod ? stopping?.since ?? now : now
        stopping = (gracePeriod, began)
        return max(gracePeriod - (now - began) / 1_000_000_000, 0)
    }

    /// Tells the API that the pod can go; removes what is left once it has.
    func finish() async throws {
        // A static pod is gone when nothing of it is left: nobody has to agree.
        if pod.isStatic && pod.isBeingDeleted { isRemoved = true }
        if !isRemoved {
            publish(isDone: true, final: pod.isBeingDeleted)
            if discardsContainers { try await discard() }
            return
        }
        do {
            for container in runtime.containers { try await context.cri.removeContainer(container.id) }
            for sandbox in runtime.sandboxes {
                try await context.cri.stopSandbox(sandbox.id)
                try await context.cri.removeSandbox(sandbox.id)
            }
        } catch {
            try Task.checkCancellation()
            context.log.warning("pod \(pod.description): leftovers stay for now: \(error)")
            retry(in: 5)
            return
        }
        try await onDisk { context, pod in
            context.configuration.removeLogDirectory(context.configuration.logDirectoryName(for: pod))
            PodCgroup.remove(uid: pod.uid, below: context.configuration.cgroupRoot)
        }
        context.statuses.forget(uid)
        context.probeCounts.forget(pod: uid)
        context.images.forget(pod: uid, images: pod.allContainers.compactMap { $0["image"].string })
        stage = .gone
    }

    /// Takes away what is left of the containers of a pod that has ended, whose status stays as it is. Somebody needs the room.
    private func discard() async throws {
        isSettled = true
        for container in runtime.containers { try await context.cri.removeContainer(container.id) }
        for sandbox in runtime.sandboxes { try await context.cri.removeSandbox(sandbox.id) }
        runtime = PodRuntime()
    }

    /// Kills the running containers that `isMeant` names, all at once, and returns when they are dead.
    func killContainers(grace: Whole, _ isMeant: (PodRuntime.Container) -> Bool) async throws {
        let running = runtime.containers.filter { $0.state == .running && isMeant($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for container in running { group.addTask { try await self.killContainer(container, grace: grace, message: "") } }
            try await group.waitForAll()
        }
        isRuntimeStale = true
    }

    /// Lets the container do what it wants done before it stops, stops it, and kills it when it takes longer than `grace` seconds. An empty
    /// message means the usual words. Broken off and called again, it goes on with the grace it is given then.
    func killContainer(_ container: PodRuntime.Container, grace: Whole, message: String) async throws {
        context.events.container(
            pod, ["name": .string(container.name)], .normal, "Killing", message.isEmpty ? "Stopping container \(container.name)" : message)
        let began = Clock.nanoseconds()
        try await runPreStop(of: container, grace: grace)
        let left = grace - (Clock.nanoseconds() - began) / 1_000_000_000
        do {
            try await context.cri.stopContainer(container.id, grace: max(left, Self.minimumGrace))
        } catch {
            if !error.isNotFound { throw KillFailure("KillContainer", of: container.name, error) }
        }
        preStops[container.id] = nil
        isRuntimeStale = true
    }
}

/// What could not be stopped, by upstream's words.
struct KillFailure: Error, CustomStringConvertible {
    let description: String

    /// - Parameter action: `KillContainer`
    init(_ action: String, of target: String, _ cause: RuntimeFailure) {
        description =
            "failed to \(FieldError.quoted(action)) for \(FieldError.quoted(target)) with \(action)Error: \(FieldError.quoted("\(cause)"))"
    }
}
