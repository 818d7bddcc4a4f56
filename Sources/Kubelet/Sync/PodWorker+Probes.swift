import APIModel

extension PodWorker {
    /// Starts the probes that containers need now and ends those of containers that are gone.
    func watchProbes() async {
        let running = runtime.containers.filter { $0.state == .running }
        let ids = Set(running.map(\.id))
        await stopProbes { !ids.contains($0.container) }
        probes.results = probes.results.filter { ids.contains($0.key) }
        for container in running {
            guard let spec = pod.container(container.name) else { continue }
            let isStarted = probes.isStarted(container.id, spec)
            for kind in ProbeKind.allCases where !spec[kind.field].isNull && isStarted == (kind != .startup) {
                startProbe(kind, spec, container)
            }
            if isStarted { await stopProbes { $0.container == container.id && $0.kind == .startup } }
        }
    }

    private func startProbe(_ kind: ProbeKind, _ spec: Value, _ container: PodRuntime.Container) {
        let key = ProbeKey(container: container.id, kind: kind)
        guard probeTasks[key] == nil else { return }
        let runner = ProbeRunner(
            kind: kind, pod: pod, container: spec, id: container.id, startedAt: container.startedAt, host: podIPs.first ?? "",
            handler: context.handler, events: context.events,
            userAgent: context.userAgent("probe"), counts: context.probeCounts)
        // Owned by the worker, which ends and awaits it in `stopProbes`.
        probeTasks[key] = Task { await runner.run { success in await self.note(kind, of: container.id, success: success) } }
    }

    func stopProbes(_ isMeant: (ProbeKey) -> Bool) async {
        let ended = probeTasks.filter { isMeant($0.key) }
        for (key, task) in ended {
            task.cancel()
            probeTasks[key] = nil
        }
        // A probe in the middle of a call ends with the call; nobody needs to wait for that, and its word is ignored.
        for key in ended.keys where stage == .gone { probes.results[key.container] = nil }
    }
}
