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
                await worker.evict(.overLimits(excess))
            }
        }
    }

    /// `nil` when it cannot be told now.
    private func use(of pod: Pod, _ limits: StorageLimits) async -> StorageLimits.Use? {
        guard let stats = try? await context.cri.containerStats(pod: pod.uid),
            let storage = await PodUse(context: context).storage(of: pod, stats)
        else { return nil }
        let containers = storage.layers.merging(storage.logs, uniquingKeysWith: +)
        return StorageLimits.Use(volumes: storage.volumes.mapValues(\.bytes), containers: containers.mapValues(\.bytes))
    }
}
