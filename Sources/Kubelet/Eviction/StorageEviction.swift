import APIModel

/// Ends pods that use more of the node's disk than they may. Looks only at pods that have such a limit.
struct StorageEviction: Sendable {
    let context: Context
    let pods: Pods
    /// Upstream's.
    var period = Duration.seconds(10)

    /// Looks until cancelled.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: period)
            for worker in pods.workers() {
                let pod = await worker.pod
                let limits = StorageLimits(pod: pod)
                guard !limits.isEmpty, !pod.isTerminal, let use = await use(of: pod, limits), let excess = limits.excess(use) else {
                    continue
                }
                await worker.evict(excess)
            }
        }
    }

    /// `nil` when it cannot be told now.
    private func use(of pod: Pod, _ limits: StorageLimits) async -> StorageLimits.Use? {
        guard let stats = try? await context.cri.containerStats(pod: pod.uid) else { return nil }
        let (configuration, names) = (context.configuration, limits.volumes)
        return try? await context.disk.run {
            var use = StorageLimits.Use()
            let volumes = try? Directory.open(configuration.podDirectory(pod.uid)).directory(Volumes.emptyDirectories)
            for name in names { use.volumes[name] = (try? volumes?.directory(name)).map { Whole($0.usedBytes()) } }
            let logs = try? Directory.open(configuration.logDirectory(for: pod))
            for container in pod.allContainers {
                let written = stats.last { $0[path: "attributes", "labels"][Label.containerName].string == container.name }
                let layer = written?[path: "writable_layer", "used_bytes", "value"].int ?? 0
                use.containers[container.name] = layer + ((try? logs?.directory(container.name)).map { Whole($0.usedBytes()) } ?? 0)
            }
            return use
        }
    }
}

extension PodWorker {
    /// Ends the pod, with next to no time for its containers, because the node has to. What the cluster cannot do without stays.
    func evict(_ message: String) {
        let isCritical = pod.spec["priority"].int ?? 0 >= 2_000_000_000 || pod.isMirror
        guard stage == .syncing, eviction == nil, !isEnding, !isCritical else { return }
        eviction = message
        context.events.event(about: pod, .warning, "Evicted", message)
        wakeup.set()
    }
}
