import APIModel
import FileSystem

// What a container wants done when it has started and before it stops.
extension PodWorker {
    /// Runs the `postStart` of a container that has just started. Throws `StartFailure` when it fails, after ending the container, and
    /// `CancellationError` when it was broken off.
    func runPostStart(_ container: Value, _ id: String) async throws {
        let hook = container[path: "lifecycle", "postStart"]
        guard !hook.isNull else { return }
        let message = await hooks(of: container, id).run(hook)
        try Task.checkCancellation()
        guard let message else { return try await forgetPostStart(of: container) }
        context.events.container(pod, container, .warning, "FailedPostStartHook", "PostStartHook failed")
        try? await readRuntime()
        if let running = runtime.containers.first(where: { $0.id == id }) {
            try await killContainer(running, grace: gracePeriod, message: "FailedPostStartHook")
        }
        throw StartFailure(reason: "PostStartHookError", message: message)
    }

    private func hooks(of container: Value, _ id: String) -> Hooks {
        Hooks(
            cri: context.cri, events: context.events, pod: pod, container: container, id: id, host: podIPs.first ?? "",
            userAgent: context.userAgent("lifecycle"))
    }

    // MARK: Over a restart of the kubelet

    private static let note = "post-start"

    /// Writes down, before the container starts, that its `postStart` has not ended: one that is cut off by a restart of the kubelet is run
    /// again by the next.
    func notePostStart(of container: Value, _ id: String) async throws {
        guard !container[path: "lifecycle", "postStart"].isNull else { return }
        try await onDisk { context, pod in
            let directory = try context.configuration.makeDirectory(of: pod.uid).make("containers/\(container.name)")
            directory.remove(Self.note)
            try directory.create(Self.note, Array(id.utf8), mode: 0o600)
        }
    }

    private func forgetPostStart(of container: Value) async throws {
        try await onDisk { context, pod in
            _ = try context.configuration.makeDirectory(of: pod.uid).directory("containers/\(container.name)").remove(Self.note)
        }
    }

    /// Runs the hooks again that an earlier kubelet began and did not see end. Does something once.
    func finishPostStarts() async throws {
        if hasFinishedPostStarts { return }
        for container in pod.allContainers where !container[path: "lifecycle", "postStart"].isNull {
            guard let running = runtime.container(container.name), running.state == .running else { continue }
            let noted = try await onDisk { context, pod in
                (try? Directory.open(context.configuration.podDirectory(pod.uid)))?.read("containers/\(container.name)/\(Self.note)")
            }
            guard noted == Array(running.id.utf8) else { continue }
            do {
                try await runPostStart(container, running.id)
            } catch let failure as StartFailure {
                waiting[container.name] = failure
            }
        }
        hasFinishedPostStarts = true
    }

    // MARK: Before a container stops

    private struct IsOver: Error {}

    /// Runs the container's `preStop` and returns when it has ended, or after `grace` seconds, when nobody waits for it any more. Throws
    /// `CancellationError` when it was broken off: then the hook goes on, and is waited for by the next call.
    func runPreStop(of container: PodRuntime.Container, grace: Whole) async throws {
        let spec = pod.container(container.name) ?? .null
        guard !spec[path: "lifecycle", "preStop"].isNull else { return }
        guard grace > 0 else {
            preStops[container.id]?.cancel()
            return
        }
        let hook = preStops[container.id] ?? preStop(of: container, spec)
        preStops[container.id] = hook
        do {
            try await abandonable(within: .seconds(grace), late: IsOver()) { await hook.value }
        } catch is IsOver {
            hook.cancel()
        }
    }

    /// Owned by the worker, which ends it when its time is over.
    private func preStop(of container: PodRuntime.Container, _ spec: Value) -> Task<Void, Never> {
        let (context, pod, hooks) = (context, pod, hooks(of: spec, container.id))
        return Task {
            let message = await hooks.run(spec[path: "lifecycle", "preStop"])
            if message != nil && !Task.isCancelled {
                context.events.container(pod, spec, .warning, "FailedPreStopHook", "PreStopHook failed")
            }
        }
    }
}
