import APIModel

/// Who goes first when a node is short of something, and what it is told. Upstream: `eviction/helpers.go`.
struct EvictionRank {
    /// A pod with what it uses.
    struct Candidate: Sendable {
        var pod: Pod
        /// `nil` where it cannot be told; such a pod goes before others.
        var use: Use?
    }

    struct Use: Equatable, Sendable {
        struct Container: Equatable, Sendable {
            var name: String
            var memory: Whole?
            /// What it wrote beside its volumes, and its logs, in bytes.
            var storage: Whole?
        }

        /// Bytes that could not be given back at once.
        var memory: Whole = 0
        var processes: Whole = 0
        /// Bytes on the disk that is short.
        var storage: Whole = 0
        var inodes: Whole = 0
        var containers: [Container] = []
    }

    let signal: EvictionSignal

    /// The first is to go first.
    func sorted(_ candidates: [Candidate]) -> [Candidate] {
        candidates.map { (key(of: $0), $0) }.sorted { a, b in
            a.0 != b.0 ? a.0.lexicographicallyPrecedes(b.0) : a.1.pod.uid < b.1.pod.uid
        }.map(\.1)
    }

    /// Those who use more than they asked for, those who count least, those who use most; of processes nobody asks for any.
    private func key(of candidate: Candidate) -> [Whole] {
        let priority = candidate.pod.spec["priority"].int ?? 0
        guard let use = candidate.use else { return signal == .processes ? [priority, .min] : [0, .min, .min] }
        switch signal {
        case .processes: return [priority, -use.processes]
        case .memory:
            let request = request("memory", of: candidate.pod)
            return [use.memory > request ? 0 : 1, priority, request - use.memory]
        case .nodeStorage, .imageStorage, .nodeInodes, .imageInodes:
            let isOfBytes = signal == .nodeStorage || signal == .imageStorage
            let used = isOfBytes ? use.storage : use.inodes
            // There are no requests for inodes, and upstream takes those for bytes off where it compares.
            let request = request("ephemeral-storage", of: candidate.pod)
            return [used > (isOfBytes ? request : 0) ? 0 : 1, priority, request - used]
        }
    }

    private func request(_ resource: String, of pod: Pod) -> Whole {
        PodTotals.requests(of: pod.value, .overhead)[resource]?.value ?? 0
    }

    /// What the pod that goes is told.
    func message(_ candidate: Candidate, _ threshold: EvictionPolicy.Threshold, _ observation: Observation) -> String {
        let resource = signal.resource
        var message = "The node was low on resource: \(resource). "
        message +=
            "Threshold quantity: \(threshold.quantity(of: observation.capacity)), available: \(signal.quantity(observation.available)). "
        let pod = candidate.pod
        if signal == .memory, let use = candidate.use, let request = pod.spec[path: "resources", "requests", "memory"].quantity {
            message += "Pod \(pod.name) was using \(signal.quantity(use.memory)), request is \(request), has larger consumption of memory. "
        }
        for container in candidate.use?.containers ?? [] {
            guard let spec = pod.container(container.name), !pod.ephemeralContainers.contains(where: { $0.name == container.name }) else {
                continue
            }
            let used = resource == "memory" ? container.memory : resource == "ephemeral-storage" ? container.storage : nil
            let request = spec[path: "resources", "requests", resource].quantity ?? .zero
            guard let used, used > request.value else { continue }
            message += "Container \(container.name) was using \(signal.quantity(used)), request is \(request), "
            message += "has larger consumption of \(resource). "
        }
        return message
    }
}
