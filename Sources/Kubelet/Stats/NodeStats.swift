import APIModel

/// What the node, its pods and their containers use at one moment, as the kernel and the runtime tell.
struct NodeStats: Sendable {
    struct Container: Sendable {
        var name: String
        var id: String
        var image: String
        /// Nanoseconds since 1970.
        var startedAt: Whole
        var usage: Usage
        var cpuRate: Whole?
        /// CRI's `FilesystemUsage` of what it wrote beside its volumes.
        var writableLayer: Value
    }

    struct OfPod: Sendable {
        var pod: Pod
        /// Its control group.
        var group: String
        var startTime: Value
        var usage: Usage
        var cpuRate: Whole?
        var containers: [Container]
        /// CRI's `NetworkUsage`, `.null` where the runtime does not tell.
        var network: Value
    }

    /// When it was looked, in nanoseconds since 1970.
    var time: Whole
    var usage: Usage
    var cpuRate: Whole?
    var availableMemory: Whole
    var pods: [OfPod]

    /// Looks at everything. A runtime that does not answer leaves the containers out.
    static func look(_ context: Context, _ pods: Pods) async -> NodeStats {
        async let containerStats = try? context.cri.containerStats()
        async let sandboxStats = try? context.cri.sandboxStats()
        let (containers, sandboxes) = (await containerStats ?? [], await sandboxStats ?? [])
        let byPod = Dictionary(grouping: containers) { $0[path: "attributes", "labels"][Label.podUID].string ?? "" }
        let networks = Dictionary(
            sandboxes.map { ($0[path: "attributes", "labels"][Label.podUID].string ?? "", $0[path: "linux", "network"]) }
        ) { $1 }
        let machine = context.machine
        let node = try? await context.disk.run { (usage: Usage(group: ""), available: Machine.availableMemory()) }
        var stats = NodeStats(time: Clock.nanoseconds(), usage: node?.usage ?? Usage(), availableMemory: node?.available ?? 0, pods: [])
        // The root of cgroup v2 does not account memory.
        if stats.usage.memory == nil {
            stats.usage.memory = machine.memory - stats.availableMemory
            stats.usage.workingSet = stats.usage.memory
        }
        stats.cpuRate = context.cpuRates.rate(of: "", used: stats.usage.cpuTime, at: stats.time)
        for worker in pods.workers() {
            guard let pod = await stats.look(at: worker, byPod, networks, context) else { continue }
            stats.pods.append(pod)
        }
        let ids = stats.pods.flatMap { pod in [pod.pod.uid] + pod.containers.map(\.id) }
        context.cpuRates.keep(Set(ids + [""]))
        return stats
    }

    private func look(at worker: PodWorker, _ byPod: [String: [Value]], _ networks: [String: Value], _ context: Context) async -> OfPod? {
        let (pod, runtime) = await worker.shown
        guard runtime.hasRunningContainers else { return nil }
        let group = PodCgroup.path(of: pod, below: context.configuration.cgroupRoot)
        let usage = (try? await context.disk.run { Usage(group: group) }) ?? Usage()
        let containers = (byPod[pod.uid] ?? []).compactMap { stats -> Container? in
            let id = stats[path: "attributes", "id"].string ?? ""
            guard let known = runtime.containers.first(where: { $0.id == id && $0.state == .running }) else { return nil }
            let usage = Usage(stats)
            return Container(
                name: known.name, id: id, image: known.image, startedAt: known.startedAt, usage: usage,
                cpuRate: context.cpuRates.rate(of: id, used: usage.cpuTime, at: time), writableLayer: stats["writable_layer"])
        }
        return OfPod(
            pod: pod, group: group, startTime: context.statuses.status(pod.uid)?["startTime"] ?? pod.status["startTime"], usage: usage,
            cpuRate: context.cpuRates.rate(of: pod.uid, used: usage.cpuTime, at: time), containers: containers.sorted { $0.name < $1.name },
            network: networks[pod.uid] ?? .null)
    }
}

extension PodWorker {
    /// The pod and what the runtime was last seen to have of it.
    var shown: (Pod, PodRuntime) { (pod, runtime) }
}
